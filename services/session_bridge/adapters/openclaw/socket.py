"""One open WebSocket to OpenClaw's gateway: the handshake, and answers led to their requests.

Protocol 4; 3 is taken, too, which gateways of early 2026 speak: enough to know that one is there.
"""

import asyncio
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import structlog
from pydantic import BaseModel

from services.session_bridge.adapters.openclaw import lenient
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain import release
from services.session_bridge.domain.release import Release
from shared.health import VERSION

log = structlog.get_logger()


class GatewayRefusedError(Exception):
    """The gateway refused a request; `code` is its own word for why."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Hello:
    """What a gateway says of itself: its release, if it tells, its protocol, and the methods it offers."""

    release: Release | None
    protocol: int
    methods: frozenset[str]

    @property
    def reads_files(self) -> bool:
        """Tell whether it is of a release that keeps sessions in files; 2026.2.2 calls itself `dev`."""
        return self.protocol < 4 if self.release is None else self.release < release.SQLITE


class _Error(BaseModel):
    code: str = ""
    message: str = ""
    details: dict[str, Any] | None = None


class _Frame(BaseModel):
    id: str | None = None
    event: str | None = None
    ok: bool = False
    payload: Any = None
    error: _Error = _Error()

    def taken(self) -> Mapping[str, Any]:
        """Take the payload out, or raise the refusal."""
        if self.ok:
            return self.payload if isinstance(self.payload, dict) else {}
        code = (self.error.details or {}).get("code", self.error.code)
        raise GatewayRefusedError(str(code), self.error.message.rstrip("."))


class _Server(BaseModel):
    version: str = ""


class _Features(BaseModel):
    methods: frozenset[str] = frozenset()


class _HelloOk(BaseModel):
    protocol: int
    server: _Server = _Server()
    features: _Features = _Features()


class OpenClawSocket:
    """Ask over an open socket.

    Args:
        socket: the socket.
        timeout_seconds: how long an answer may take.
        told: is called with each event and its payload.
    """

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        timeout_seconds: float,
        told: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._socket = socket
        self._timeout_seconds = timeout_seconds
        self._told = told
        self._ids = itertools.count(1)
        self._asked: dict[str, asyncio.Future[_Frame]] = {}

    async def open(self, token: str | None, scopes: Sequence[str]) -> Hello:
        """Introduce us.

        Raises:
            GatewayRefusedError: it does not want us.
            TimeoutError: it says nothing.
            ValueError: that is no gateway of OpenClaw's.
        """
        async with asyncio.timeout(self._timeout_seconds):
            if (await self._frame()).event != "connect.challenge":
                raise ValueError("no challenge came")
            await self._send("connect", "connect", _introduction(token, scopes))
            while (answer := await self._frame()).id != "connect":
                pass
        hello = _HelloOk.model_validate(answer.taken())
        return Hello(release.parse(hello.server.version), hello.protocol, hello.features.methods)

    async def read(self) -> None:
        """Lead answers to those who wait for them, until the socket closes; then they get an error."""
        try:
            with suppress(aiohttp.ClientError, ConnectionError):
                while True:
                    try:
                        frame = await self._frame()
                    except ValueError as error:
                        log.warning("frame_unreadable", fault=type(error).__name__)
                        continue
                    if frame.event and isinstance(frame.payload, dict):
                        self._told(frame.event, frame.payload)
                    asked = self._asked.get(frame.id or "")
                    if asked is not None and not asked.done():
                        asked.set_result(frame)
        finally:
            for asked in self._asked.values():
                if not asked.done():
                    asked.set_exception(ConnectionResetError())

    async def call(self, method: str, params: Mapping[str, object]) -> Mapping[str, Any]:
        """Ask, and wait for the answer's payload.

        Raises:
            CannotWriteYetError: none came.
            GatewayRefusedError: it was a refusal.
        """
        request_id = f"r{next(self._ids)}"
        self._asked[request_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._send(request_id, method, params)
                answer = await self._asked[request_id]
        except TimeoutError as error:
            raise CannotWriteYetError(f"OpenClaw's gateway did not answer {method} in time.") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise CannotWriteYetError("The connection to OpenClaw's gateway broke.") from error
        finally:
            del self._asked[request_id]
        return answer.taken()

    async def _send(self, request_id: str, method: str, params: Mapping[str, object]) -> None:
        frame = {"type": "req", "id": request_id, "method": method, "params": params}
        await self._socket.send_str(orjson.dumps(frame).decode())

    async def _frame(self) -> _Frame:
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionResetError
        return _Frame.model_validate(lenient.loads(message.data))


def _introduction(token: str | None, scopes: Sequence[str]) -> dict[str, object]:
    # Names of its own are refused: the gateway knows a closed list of clients.
    client = {"id": "gateway-client", "version": VERSION, "platform": sys.platform, "mode": "backend"}
    auth = {"auth": {"token": token}} if token else {}
    protocols = {"minProtocol": 3, "maxProtocol": 4}
    return {"client": client, "role": "operator", "scopes": list(scopes), "caps": [], **protocols, **auth}
