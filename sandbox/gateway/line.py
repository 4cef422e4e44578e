"""One client's WebSocket to the gateway: handshake, then requests and events in any order."""

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from sandbox.gateway.errors import WireError
from sandbox.gateway.handshake import Guest, admit, challenge, hello, starting
from sandbox.gateway.methods import Methods
from sandbox.gateway.releases import Ways
from sandbox.switches import Switches

_POLICY_VIOLATION = 1008


class Line:
    """Serve one client until either side is gone.

    Attributes:
        guest: who it is, once it has come in.
        follows_all: whether it wants to hear of every change to the OpenClaw sessions.
        followed: whose rows it wants to hear of.
    """

    def __init__(self, request: web.Request, switches: Switches, ways: Ways) -> None:
        self.guest: Guest | None = None
        self.follows_all = False
        self.followed: set[str] = set()
        self._request = request
        self._switches = switches
        self._ways = ways
        self._socket = web.WebSocketResponse(compress=False, max_msg_size=25 * 1024 * 1024)
        self._transcripts = 0
        self._seq = 0

    async def serve(self, token: str, methods: Methods, came_in: Callable[[], None]) -> web.StreamResponse:
        """Shake hands and answer."""
        await self._socket.prepare(self._request)
        await self._send(challenge())
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT or self._is_cut():
                continue
            try:
                frame = orjson.loads(message.data)
            except orjson.JSONDecodeError:
                await self._leave_or_ignore()
                continue
            if self.guest:
                await self._answer(frame, methods)
            else:
                await self._admit(frame, token)
                came_in()
        return self._socket

    async def tell(self, event: str, payload: dict[str, Any]) -> None:
        """Send an event to a client that has come in."""
        self._seq += 1
        await self._send({"type": "event", "event": event, "payload": payload, "seq": self._seq})

    def abort(self) -> None:
        """Cut the connection."""
        if self._request.transport:
            self._request.transport.abort()

    async def _admit(self, frame: dict[str, Any], token: str) -> None:
        try:
            if self._switches.gateway_trouble == "starting":
                raise starting()
            guest = admit(frame, token, self._ways)
        except WireError as error:
            await self._send(_refused(frame, error))
            await self._socket.close(code=_POLICY_VIOLATION, message=str(error).encode()[:120])
            return
        await self._send(_done(frame, hello(guest, self._ways)))
        self.guest = guest

    async def _answer(self, frame: dict[str, Any], methods: Methods) -> None:
        method = str(frame.get("method"))
        try:
            answer = _done(frame, methods.answer(self._known(), method, frame.get("params"), self._ways))
        except WireError as error:
            answer = _refused(frame, error)
        self._transcripts += method == "talk.client.transcript"
        trouble = self._switches.gateway_trouble
        if trouble == "drops" and self._transcripts >= self._switches.gateway_rows:
            self.abort()
        elif trouble != "silent":
            await self._send(answer)

    def _known(self) -> Guest:
        if self.guest is None:
            raise RuntimeError("nobody has come in")
        return self.guest

    def _is_cut(self) -> bool:
        if self._switches.gateway_trouble != "down":
            return False
        self.abort()
        return True

    async def _leave_or_ignore(self) -> None:
        if not self.guest:
            await self._socket.close()

    async def _send(self, frame: dict[str, Any]) -> None:
        try:
            await self._socket.send_str(orjson.dumps(frame).decode())
        except ConnectionError:
            return  # the client has gone; the reader will see it


def _done(frame: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    return {"type": "res", "id": str(frame.get("id")), "ok": True, "payload": payload}


def _refused(frame: dict[str, Any], error: WireError) -> dict[str, Any]:
    return {"type": "res", "id": str(frame.get("id")), "ok": False, "error": error.body}
