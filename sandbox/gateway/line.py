"""One client's WebSocket to the gateway: handshake, then requests and events in any order."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from sandbox.gateway.errors import WireError
from sandbox.gateway.handshake import Operator, admit, challenge, hello, starting
from sandbox.gateway.memory import now_ms
from sandbox.gateway.releases import Ways
from sandbox.switches import Switches
from shared.tasks import Tasks

_POLICY_VIOLATION = 1008

Answer = Callable[[Operator, str, Any, Ways], dict[str, Any]]
"""What a method answers to an operator's params; a `WireError` is sent as it is."""


class Line:
    """Serve one client until either side is gone.

    Attributes:
        operator: who it is, once it has come in.
        follows_all: whether it wants to hear of every change to the OpenClaw sessions.
        followed: whose rows it wants to hear of.
    """

    def __init__(self, request: web.Request, switches: Switches, ways: Ways) -> None:
        self.operator: Operator | None = None
        self.follows_all = False
        self.followed: set[str] = set()
        self._request = request
        self._switches = switches
        self._ways = ways
        self._socket = web.WebSocketResponse(compress=False, max_msg_size=25 * 1024 * 1024)
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._transcripts = 0
        self._seq = 0

    async def serve(self, token: str, answer: Answer) -> web.StreamResponse:
        """Shake hands and answer."""
        await self._socket.prepare(self._request)
        self._send(challenge())
        async with Tasks() as tasks:
            tasks.start(self._write(), name="gateway writer")
            async for message in self._socket:
                if self._switches.gateway_trouble == "down":
                    self.abort()
                elif message.type is WSMsgType.TEXT:
                    await self._receive(message.data, token, answer)
        return self._socket

    def tell(self, event: str, payload: dict[str, Any]) -> None:
        """Send an event to a client that has come in."""
        self._seq += 1
        self._send({"type": "event", "event": event, "payload": payload, "seq": self._seq})

    def abort(self) -> None:
        """Cut the connection."""
        if self._request.transport:
            self._request.transport.abort()

    async def _receive(self, text: str, token: str, answer: Answer) -> None:
        try:
            frame = orjson.loads(text)
        except orjson.JSONDecodeError:
            if self.operator is None:
                await self._socket.close()
            return
        if self.operator:
            self._answer(self.operator, frame, answer)
        else:
            await self._admit(frame, token)

    async def _admit(self, frame: dict[str, Any], token: str) -> None:
        try:
            if self._switches.gateway_trouble == "starting":
                raise starting()
            operator = admit(frame, token, self._ways)
        except WireError as error:
            self._send(_refused(frame, error))
            await self._outgoing.join()
            await self._socket.close(code=_POLICY_VIOLATION, message=str(error).encode()[:120])
            return
        self._send(_done(frame, hello(operator, self._ways)))
        self.operator = operator

    def _answer(self, operator: Operator, frame: dict[str, Any], answer: Answer) -> None:
        method = str(frame.get("method"))
        try:
            answered = _done(frame, answer(operator, method, frame.get("params"), self._ways))
        except WireError as error:
            answered = _refused(frame, error)
        self._transcripts += method == "talk.client.transcript"
        trouble = self._switches.gateway_trouble
        if trouble == "drops" and self._transcripts >= self._switches.gateway_rows:
            self.abort()
        elif trouble != "silent":
            self.tell("tick", {"ts": now_ms()})  # so that a client meets events before answers
            delay = self._switches.gateway_history_seconds if method == "chat.history" else 0
            if delay:
                asyncio.get_running_loop().call_later(delay, self._send, answered)
            else:
                self._send(answered)

    def _send(self, frame: dict[str, Any]) -> None:
        self._outgoing.put_nowait(frame)

    async def _write(self) -> None:
        while True:
            frame = await self._outgoing.get()
            with suppress(ConnectionError):  # the client has gone; the reader sees it, too
                await self._socket.send_str(orjson.dumps(frame).decode())
            self._outgoing.task_done()


def _done(frame: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    return {"type": "res", "id": str(frame.get("id")), "ok": True, "payload": payload}


def _refused(frame: dict[str, Any], error: WireError) -> dict[str, Any]:
    return {"type": "res", "id": str(frame.get("id")), "ok": False, "error": error.body}
