"""An OpenAI that breaks its word: it has the few routes of a call, and a switch for each way to fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import orjson
from aiohttp import web

from sandbox.watch import Watch
from tests.voice_server.serving import served

HASTE_SECONDS = 0.3
"""How long a hang-up has the chance to come before a slow acceptance."""


class FakeOpenAI:
    """One call at OpenAI.

    Attributes:
        live: whether the call is taken and costs money.
        posted: what was asked of call control, in order.
        accepted: what the model was told at each acceptance.
        attached: how often a sideband was asked for.
        slow_accept: an acceptance is carried out late, so that a hasty hang-up finds nothing to end.
        lost_accept: an acceptance is carried out, but answered by 500; the next one by 404.
        hang_up_faults: the statuses that the next hang-ups are refused with.
        missing: how often a sideband is asked for in vain.
        sideband: what becomes of it: it `stays`, it is `missing`, it `breaks` as soon as it is attached, or
            it is `cut` at its first event, since the caller has hung up.
        first_frame: what is said on a sideband before anything else.
        heard: the events that came in.
    """

    def __init__(self) -> None:
        self.url = ""
        self.watch = Watch()
        self.live = False
        self.posted: list[str] = []
        self.accepted: list[dict[str, Any]] = []
        self.attached = 0
        self.slow_accept = False
        self.lost_accept = False
        self.hang_up_faults: list[int] = []
        self.missing = 0
        self.sideband: Literal["stays", "missing", "breaks", "cut"] = "stays"
        self.first_frame: str | bytes | None = None
        self.heard: list[dict[str, Any]] = []
        self._socket: web.WebSocketResponse | None = None
        self._hang_up_asked = asyncio.Event()
        self.app = web.Application()
        self.app.router.add_post("/v1/realtime/calls/{id}/accept", self._accept)
        self.app.router.add_post("/v1/realtime/calls/{id}/hangup", self._hang_up)
        self.app.router.add_get("/v1/realtime", self._attach)

    async def _accept(self, request: web.Request) -> web.Response:
        self.accepted.append(orjson.loads(await request.read()))
        self._note("accept")
        if self.live:
            return _unknown()
        if self.slow_accept:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hang_up_asked.wait(), HASTE_SECONDS)
        self.live = True
        self.watch.changed()
        return web.Response(status=500 if self.lost_accept else 200)

    async def _hang_up(self, _: web.Request) -> web.Response:
        self._note("hangup")
        if self.hang_up_faults:
            return web.Response(status=self.hang_up_faults.pop(0))
        if not self.live:
            self._hang_up_asked.set()
            return _unknown()
        self.live = False
        self.watch.changed()
        if self._socket:
            await self._socket.close()
        return web.Response()

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        self.attached += 1
        self.watch.changed()
        if self.sideband == "missing" or self.attached <= self.missing or not self.live:
            return _unknown()
        self._socket = socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.sideband == "breaks":
            await socket.close(code=1008, message=b"quota")
            return socket
        if isinstance(self.first_frame, bytes):
            await socket.send_bytes(self.first_frame)
        elif self.first_frame is not None:
            await socket.send_str(self.first_frame)
        async for message in socket:
            self.heard.append(orjson.loads(message.data))
            self.watch.changed()
            if self.sideband == "cut" and request.transport:
                self.live = False
                request.transport.abort()
        return socket

    def _note(self, action: str) -> None:
        self.posted.append(action)
        self.watch.changed()


def _unknown() -> web.Response:
    return web.json_response({"error": {"code": "call_id_not_found"}}, status=404)


@asynccontextmanager
async def fake_openai() -> AsyncIterator[FakeOpenAI]:
    """Serve it on a free port."""
    fake = FakeOpenAI()
    async with served(fake.app) as url:
        fake.url = f"{url}/v1"
        yield fake
