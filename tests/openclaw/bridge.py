"""The session bridge as a process of its own, set up as a person would beside their OpenClaw."""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import aiohttp

from tests.openclaw.openclaw import OpenClaw, free_port, stop
from tests.session_bridge.calls import Json
from tests.session_bridge.waiting import until

ROOT = Path(__file__).parents[2]
OWNER = "+14155550100"
START_SECONDS = 60
SYNC_SECONDS = 60


class Bridge:
    """A bridge that can be killed and started again; its folder outlives it."""

    def __init__(self, openclaw: OpenClaw, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "bridge.log"
        self._folder = folder
        self._environment = {
            "PATH": openclaw.release.path,
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "OPENAI_BASE_URL": "http://127.0.0.1:9",
            "TWILIO_BASE_URL": "http://127.0.0.1:9",
            "VOICE_SERVER_URL": "http://127.0.0.1:9",
            "BRIDGE_PORT": str(self.port),
            "DATA_DIR": str(folder / "data"),
            "CONFIG_DIR": str(folder),
            "OWNER_NUMBERS": OWNER,
            "OPENCLAW_STATE_DIR": str(openclaw.state_dir),
            "OPENCLAW_GATEWAY_URL": openclaw.url,
            "OPENCLAW_CONTEXT_TIMEOUT": "30",
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.session_bridge"),
                env=self._environment,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        try:
            await until(self._answers, START_SECONDS)
        except BaseException:
            await self.stop()
            raise

    async def kill(self) -> None:
        """End it at this very instruction."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self._process is not None:
            await stop(self._process)

    async def tell(self, events: Iterable[Json]) -> list[str]:
        """Post call events; what became of each: `accepted` or `duplicate`."""
        became = []
        for event in events:
            status, answer = await self.post("/call-event", event)
            assert status == 200, answer
            became.append(answer["status"])
        return became

    async def sync(self, call_id: str) -> tuple[int, Json]:
        """Ask for a call to be written now; status and answer."""
        return await self.post("/sync-transcript", {"callId": call_id})

    async def post(self, path: str, body: Json) -> tuple[int, Json]:
        """Post JSON; status and answer."""
        async with aiohttp.ClientSession() as http, http.post(self._url(path), json=body) as response:
            return response.status, await response.json(content_type=None)

    async def session(self, call_id: str) -> Json:
        """Look up what has become of a call."""
        async with aiohttp.ClientSession() as http, http.get(self._url("/sessions")) as response:
            listed: list[Json] = (await response.json())["sessions"]
        return next(session for session in listed if session["callId"] == call_id)

    async def synced(self, call_id: str) -> Json:
        """Wait until a call is in OpenClaw."""

        async def is_synced() -> bool:
            return bool((await self.session(call_id))["state"] == "synced")

        await until(is_synced, SYNC_SECONDS)
        return await self.session(call_id)

    async def context(self, session_key: str) -> list[str]:
        """Ask what was said last in a conversation: `user: hello`, the newest behind."""
        path = f"/sessions/{quote(session_key, safe='')}/context"
        async with aiohttp.ClientSession() as http, http.get(self._url(path)) as response:
            answer = await response.json(content_type=None)
            assert response.status == 200, answer
            return [f"{turn['role']}: {turn['text']}" for turn in answer["turns"]]

    async def verify(self) -> tuple[int | None, str]:
        """Have the bridge compare its journal with OpenClaw: exit status and report."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.session_bridge", "verify"),
            env=self._environment,
            cwd=self._folder,
            stdout=asyncio.subprocess.PIPE,
        )
        report, _ = await process.communicate()
        return process.returncode, report.decode()

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, self.log.read_text()
        try:
            async with aiohttp.ClientSession() as http, http.get(self._url("/sessions")) as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"
