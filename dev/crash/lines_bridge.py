"""The bridge that dies at a given line: it forks a life for each call whose events it is sent."""

import asyncio
import json
import os
import sys
import threading
from types import CodeType, FrameType
from typing import Any

import aiohttp
from aiohttp import web

from dev.crash.lines import DIED
from services.session_bridge.app import build
from services.session_bridge.settings import BridgeSettings
from shared import logs
from shared.settings import load

TRACED = ("services/session_bridge/delivery.py", "services/session_bridge/adapters/", "shared/database.py")
"""The way of a call from the journal into OpenClaw."""


class Death:
    """Dies before the n-th line of the traced files that has not been run before; with 0 never."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._seen: set[tuple[CodeType, int]] = set()
        self.is_near = False

    def enter(self, frame: FrameType, _event: str, _arg: object) -> Any:
        """Trace the functions of the traced files."""
        return self._step if any(part in frame.f_code.co_filename for part in TRACED) else None

    def _step(self, frame: FrameType, event: str, _arg: object) -> Any:
        if event == "line" and self.is_near:
            self._seen.add((frame.f_code, frame.f_lineno))
            if len(self._seen) == self._at:
                print(f"dies at {frame.f_code.co_qualname}:{frame.f_lineno}", file=sys.stderr, flush=True)
                os._exit(DIED)
        return self._step


async def _live(settings: BridgeSettings, events: list[dict[str, Any]], death: Death) -> None:
    runner = web.AppRunner(build(settings), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as http:
        for event in events:
            death.is_near = event["eventType"] == "call_ended"
            async with http.post(f"{url}/call-event", json=event) as answer:
                if answer.status != 200:
                    raise RuntimeError(await answer.text())
        written = False
        while not written:
            async with http.post(f"{url}/sync-transcript", json={"callId": events[0]["callId"]}) as answer:
                written = answer.status == 200
            await asyncio.sleep(0 if written else 0.05)
    os._exit(0)


def _bear() -> None:
    settings = load(BridgeSettings)
    logs.configure(settings.log_level, settings.log_format)
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if not child:
            death = Death(told["dieAt"])
            if told["dieAt"]:
                threading.settrace(death.enter)
                sys.settrace(death.enter)
            asyncio.run(_live(settings, told["events"], death))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _bear()
