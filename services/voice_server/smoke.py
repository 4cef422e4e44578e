"""`python -m services.voice_server smoke`: one real call to the owner, followed until it is in OpenClaw."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import aiohttp

from services.voice_server.settings import VoiceSettings
from shared import bearer, logs, settings
from shared.events import CallStatus
from shared.phone import mask

GREETING = "Hello! This is a test call: say something, and hang up when you have heard enough."
_LOOK_SECONDS = 1
_WRITE_SECONDS = 60


class SmokeError(Exception):
    """It did not come to a call that is in OpenClaw; the text says how far it came, and what to do."""


async def run() -> int:
    """Call the first owner and say what became of it; the exit status."""
    config = settings.load(VoiceSettings)
    logs.configure("error", config.log_format)
    async with aiohttp.ClientSession() as http:
        try:
            await _Smoke(config, http).run()
        except SmokeError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        except (aiohttp.ClientError, TimeoutError):
            sys.stderr.write("A service does not answer: start both (`make run`), then try again.\n")
            return 1
    return 0


class _Smoke:
    def __init__(self, config: VoiceSettings, http: aiohttp.ClientSession) -> None:
        self._config = config
        self._http = http
        self._voice = f"http://{config.host}:{config.port}", bearer.header(config.voice_api_key)
        self._bridge = config.bridge_url, bearer.header(config.bridge_api_key)

    async def run(self) -> None:
        owner = min(self._config.owner_numbers, default=None)
        if owner is None:
            raise SmokeError("There is nobody to call: set OWNER_NUMBERS to your own number.")
        placed = await self._ask(self._voice, "POST", "/call", {"to": owner, "message": GREETING})
        call_id = placed["call_id"]
        _say(f"Calling {mask(owner)} ({call_id}). Pick up; Ctrl-C leaves the call alone.")
        call = await self._until_over(call_id)
        if call["status"] != CallStatus.COMPLETED:
            raise SmokeError(f"The call came to nothing: {call['status']}, {call['end_reason']}.")
        session = await self._until_written(call_id)
        cost = "unknown" if call["cost_usd"] is None else f"${call['cost_usd']:.3f}"
        _say(
            f"It took {call['duration_seconds']} s and cost {cost} at OpenAI, and is in OpenClaw: "
            f"{session['turns']} turns in {session['sessionKey']}. Ask your agent in the chat what was said."
        )

    async def _until_over(self, call_id: str) -> Any:
        heard, status = 0, ""
        while True:
            call = await self._ask(self._voice, "GET", f"/history/{call_id}")
            said = (await self._ask(self._voice, "GET", f"/history/{call_id}/transcript"))["transcript"]
            if call["status"] != status:
                status = call["status"]
                _say(f"  {status}")
            for turn in said[heard:]:
                _say(f"  {'You' if turn['speaker'] == 'user' else call['agent']}: {turn['content']}")
            heard = len(said)
            if call["ended_at"] is not None:
                return call
            await asyncio.sleep(_LOOK_SECONDS)

    async def _until_written(self, call_id: str) -> Any:
        session: Mapping[str, Any] = {"state": "unknown", "lastError": None}
        for _ in range(_WRITE_SECONDS // _LOOK_SECONDS):
            found = (await self._ask(self._bridge, "GET", f"/sessions?callId={call_id}"))["sessions"]
            session = found[0] if found else session
            if session["state"] == "synced":
                return session
            await asyncio.sleep(_LOOK_SECONDS)
        why = session["lastError"] or f"the bridge says {session['state']}"
        raise SmokeError(f"The call went well, but is not in OpenClaw: {why}")

    async def _ask(
        self, service: tuple[str, dict[str, str]], method: str, path: str, body: dict[str, str] | None = None
    ) -> Any:
        url, headers = service
        async with self._http.request(method, url + path, json=body, headers=headers) as answer:
            told = await answer.json(content_type=None)
            if answer.status >= 400:
                raise SmokeError(f"{path}: {told.get('detail') if isinstance(told, dict) else answer.status}")
            return told


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
