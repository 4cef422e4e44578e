"""A client of OpenClaw's gateway that knows frames and nothing else, for the stand-in and the real one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

ME = {"id": "gateway-client", "version": "0.1.0", "platform": "linux", "mode": "backend"}


@dataclass
class RefusedError(Exception):
    """The gateway refused a request, in these words."""

    code: str
    message: str
    error: dict[str, Any]


@dataclass
class Connection:
    """An open connection; events that come between answers are kept, and `patience` is in seconds."""

    socket: ClientWebSocketResponse
    hello: dict[str, Any] = field(default_factory=dict)
    patience: float = 20
    events: list[dict[str, Any]] = field(default_factory=list)
    _ids: Any = field(default_factory=count)

    async def call(self, method: str, /, **params: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer.

        Raises:
            RefusedError: it is an error.
            ConnectionError: the connection broke.
            TimeoutError: no frame came in time.
        """
        request = {"type": "req", "id": f"r{next(self._ids)}", "method": method, "params": params}
        await self.socket.send_json(request)
        while True:
            frame = await self._frame()
            if frame["type"] == "event":
                self.events.append(frame)
            elif frame["id"] == request["id"]:
                return _payload(frame)

    async def event(self, name: str, **payload: Any) -> dict[str, Any]:
        """Wait for an event whose payload says so."""
        while True:
            for frame in self.events:
                if frame["event"] == name and payload.items() <= frame["payload"].items():
                    return dict(frame["payload"])
            self.events.append(await self._frame())

    async def _frame(self) -> dict[str, Any]:
        message = await self.socket.receive(timeout=self.patience)
        if message.type is not WSMsgType.TEXT:
            raise ConnectionResetError
        return dict(message.json())


@asynccontextmanager
async def connected(
    url: str,
    token: str | None,
    *scopes: str,
    protocols: tuple[int, int] = (3, 4),
    client: dict[str, str] = ME,
) -> AsyncIterator[Connection]:
    """Shake hands with a gateway.

    Raises:
        RefusedError: it does not let us in.
    """
    async with ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
        connection = Connection(socket)
        await connection.event("connect.challenge")
        minimum, maximum = protocols
        connection.hello = await connection.call(
            "connect",
            minProtocol=minimum,
            maxProtocol=maximum,
            client=client,
            role="operator",
            scopes=list(scopes),
            caps=[],
            **({"auth": {"token": token}} if token else {}),
        )
        yield connection


def _payload(frame: dict[str, Any]) -> dict[str, Any]:
    if frame["ok"]:
        return dict(frame["payload"])
    error = frame["error"]
    raise RefusedError(error["code"], error["message"], error)
