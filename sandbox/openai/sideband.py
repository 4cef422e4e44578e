"""One control socket on a call whose audio flows elsewhere."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from shared.tasks import Tasks

_NO_CODE = 1005
_CLOSE_WITHOUT_CODE = b"\x88\x00"


@dataclass
class Frame:
    """One frame for all sidebands of a call; `told` once it has gone out to one of them.

    `junk` goes out in place of the body, if there is any.
    """

    body: dict[str, Any]
    told: bool = False
    junk: str | bytes | None = None

    @property
    def event_id(self) -> str:
        """Its id; empty if it has none."""
        return str(self.body.get("event_id", ""))


class Sideband:
    """Send frames to one client, and end the socket as a peer would: in order, or abruptly."""

    def __init__(self, request: web.Request, told: Callable[[Frame], None]) -> None:
        self._request = request
        self._told = told
        self._socket = web.WebSocketResponse(compress=False, max_msg_size=16 * 1024 * 1024)
        self._outgoing: asyncio.Queue[Frame | tuple[int, str]] = asyncio.Queue()
        self._is_silent = False

    def send(self, frame: Frame) -> None:
        """Queue a frame."""
        if not self._is_silent:
            self._outgoing.put_nowait(frame)

    def fall_silent(self) -> None:
        """Carry nothing more, not even the end: the connection looks open and is not."""
        self._is_silent = True

    def end(self, code: int, reason: str = "going away", *, orderly: bool = False) -> None:
        """End the socket: in order, after all that is queued, or at once; 1006 without a close frame."""
        if self._is_silent:
            return
        if not orderly:
            while not self._outgoing.empty():
                self._outgoing.get_nowait()
        if code == 1006:
            self.abort()
        else:
            self._outgoing.put_nowait((code, "" if code == 1000 else reason))

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
                if message.type is WSMsgType.TEXT and not self._is_silent:
                    receive(self, message.data)

    async def _write(self) -> None:
        while not self._socket.closed:
            entry = await self._outgoing.get()
            try:
                if isinstance(entry, tuple):
                    await self._close(*entry)
                elif isinstance(entry.junk, bytes):
                    await self._socket.send_bytes(entry.junk)
                elif isinstance(entry.junk, str):
                    await self._socket.send_str(entry.junk)
                else:
                    await self._socket.send_str(orjson.dumps(entry.body).decode())
                    self._told(entry)
            except ConnectionError:
                return

    async def _close(self, code: int, reason: str) -> None:
        if code == _NO_CODE and self._request.transport:
            self._request.transport.write(_CLOSE_WITHOUT_CODE)
            self._request.transport.close()
        else:
            await self._socket.close(code=code, message=reason.encode())
