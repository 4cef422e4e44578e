"""Tiny peers on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDictProxy


async def until(fact: Callable[[], Awaitable[bool]], *, within: float = 5) -> None:
    """Wait until something that has to be asked for holds.

    Raises:
        TimeoutError: it did not hold in time.
    """
    async with asyncio.timeout(within):
        while not await fact():  # noqa: ASYNC110 - what has to be asked for cannot wake us
            await asyncio.sleep(0.005)


def listening_socket() -> socket.socket:
    """Open a socket on a free port of loopback; whoever connects waits until somebody serves it."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


def free_port() -> int:
    """Find a port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """Serve an application on a free port; yields its URL."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    headers: CIMultiDictProxy[str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What a scripted peer answers. `silent`: nothing, for ever; `drop`: it cuts the connection."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    drop: bool = False


class ScriptedPeer:
    """An HTTP server that gives the answers it was told, the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.url = ""
        self.answers = list(answers)
        self.received: list[Request] = []
        self.app = web.Application()
        self.app.router.add_route("*", "/{path:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.received.append(Request(request.method, request.raw_path, request.headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.silent:
            await asyncio.Event().wait()
        if answer.drop and request.transport:
            request.transport.abort()
        headers = {"Content-Type": answer.content_type, **answer.headers}
        return web.Response(status=answer.status, body=answer.body, headers=headers)


@asynccontextmanager
async def scripted(*answers: Answer) -> AsyncIterator[ScriptedPeer]:
    """Serve a scripted peer."""
    peer = ScriptedPeer(*answers)
    async with served(peer.app) as peer.url:
        yield peer
