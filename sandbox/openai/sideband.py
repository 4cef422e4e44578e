"""One control socket on a call whose audio flows elsewhere."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from shared.tasks import Tasks


@dataclass
class Frame:
    """One frame for all sidebands of a call; `told` once it has gone out to one of them."""

    body: dict[str, Any]
    told: bool = False

    @property
    def event_id(self) -> str:
        """Its id."""
        return str(self.body["event_id"])


class Sideband:
    """Send frames to one client, and end the socket as a peer would: in order, or abruptly."""

    def __init__(self, request: web.Request, told: Callable[[Frame], None]) -> None:
        self._request = request
        self._told = told
        self._socket = web.WebSocketResponse(compress=False, max_msg_size=16 * 1024 * 1024)
        self._outgoing: asyncio.Queue[Frame | int] = asyncio.Queue()

    def send(self, frame: Frame) -> None:
        """Queue a frame."""
        self._outgoing.put_nowait(frame)

    def end(self, code: int) -> None:
        """End the socket: 1000 after all that is queued; otherwise at once, 1006 without a close frame."""
        if code != 1000:
            while not self._outgoing.empty():
                self._outgoing.get_nowait()
        if code == 1006:
            self.abort()
        else:
            self._outgoing.put_nowait(code)

    def abort(self) -> None:
        """Cut the connection."""
        if self._request.transport:
            self._request.transport.abort()

    async def open(self) -> web.WebSocketResponse:
        """Shake hands."""
        await self._socket.prepare(self._request)
        return self._socket

    async def serve(self, receive: Callable[["Sideband", str], None]) -> None:
        """Pass on what the client sends, until either side is gone."""
        async with Tasks() as tasks:
            tasks.start(self._write(), name="sideband writer")
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    receive(self, message.data)

    async def _write(self) -> None:
        while not self._socket.closed:
            entry = await self._outgoing.get()
            try:
                if isinstance(entry, int):
                    await self._socket.close(code=entry, message=b"" if entry == 1000 else b"going away")
                else:
                    await self._socket.send_str(orjson.dumps(entry.body).decode())
                    self._told(entry)
            except ConnectionError:
                return
