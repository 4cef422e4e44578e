"""The WebSocket of OpenClaw's gateway: requests and answers over a connection that comes back by itself.

Protocol 4; 3 is taken, too, which gateways of early 2026 speak: enough to know that one is there. A client
beside the gateway that shows its token needs no pairing. It gets the scopes it asks for, so it asks for few.
"""

import asyncio
import itertools
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import structlog

from services.session_bridge.adapters.openclaw_store import CannotWriteYetError
from services.session_bridge.domain import release
from services.session_bridge.domain.release import Release
from shared.health import VERSION
from shared.openclaw_config import OpenClawConfigError

log = structlog.get_logger()

TRANSCRIPT = "talk.client.transcript"
_TRANSCRIPTS = ("operator.read", "operator.talk")
_ENTRIES = ("operator.read", "operator.write")
"""For a gateway that takes no transcripts: there an entry of its session store may have to be made."""

_LONGEST_PAUSE_SECONDS = 30
_LONGEST_FRAME_BYTES = 26 * 1024 * 1024


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


class OpenClawRpc:
    """Keep a connection to the gateway, made anew with growing pauses whenever it breaks.

    `hello` is what the gateway there is says of itself, `fault` why there is none, and `connected` is called
    when there is one again.

    Args:
        http: the client.
        address: tells the gateway's URL and token, each time anew: the user may change them.
        timeout_seconds: how long an answer may take.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        address: Callable[[], tuple[str, str | None]],
        timeout_seconds: float,
    ) -> None:
        self.hello: Hello | None = None
        self.fault = "OpenClaw's gateway has not answered yet."
        self._http = http
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._connection: _Connection | None = None
        self._scopes = _TRANSCRIPTS
        self.connected: Callable[[], None] = lambda: None
        self._tried = asyncio.Event()

    async def tried(self) -> None:
        """Wait until it has once been seen whether a gateway is there."""
        await self._tried.wait()

    def offers(self, method: str) -> bool:
        """Tell whether a gateway is connected that offers a method."""
        return self.hello is not None and method in self.hello.methods

    async def call(self, method: str, **params: object) -> Mapping[str, Any]:
        """Call a method and return its payload.

        Raises:
            CannotWriteYetError: no gateway is connected, or it did not answer.
            GatewayRefusedError: it refused.
        """
        if self._connection is None:
            raise CannotWriteYetError(self.fault)
        return await self._connection.call(method, params)

    async def create_entry(self, session_key: str, label: str | None) -> bool:
        """Have the gateway make a conversation in its session files; False if none is connected that would.

        From 2026.5.7 on nobody else can without a risk: OpenClaw saves `sessions.json` from memory.
        """
        if not self.offers("sessions.patch"):
            return False
        try:
            await self.call("sessions.patch", key=session_key, **({"label": label} if label else {}))
        except (GatewayRefusedError, CannotWriteYetError) as error:
            log.info("entry_not_created_by_gateway", reason=str(error))
            return False
        return True

    async def run(self) -> None:
        """Keep a connection, for ever."""
        failures = 0
        while True:
            try:
                url, token = await asyncio.to_thread(self._address)
                await self._serve(url, token)
                failures = 0
            except OpenClawConfigError as error:
                self._lost(f"OpenClaw's configuration cannot be read: {error}")
            except GatewayRefusedError as error:
                remedy = _REMEDIES.get(error.code, "Its log says why.")
                self._lost(f"OpenClaw's gateway does not let us in: {error}. {remedy}")
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
                self._lost(
                    f"No OpenClaw gateway answers at {url}: start it, or correct OPENCLAW_GATEWAY_URL."
                )
            await asyncio.sleep(min(0.25 * 2 ** min(failures, 8), _LONGEST_PAUSE_SECONDS))
            failures += 1

    async def _serve(self, url: str, token: str | None) -> None:
        """Connect, and stay connected as long as it lasts; what ends it before the hello is raised."""
        async with self._http.ws_connect(
            url, max_msg_size=_LONGEST_FRAME_BYTES, heartbeat=30, timeout=aiohttp.ClientWSTimeout(ws_close=2)
        ) as socket:
            connection = _Connection(socket, self._timeout_seconds)
            hello = await connection.open(token, self._scopes)
            needed = _TRANSCRIPTS if TRANSCRIPT in hello.methods else _ENTRIES
            if needed != self._scopes:
                self._scopes = needed
                return
            log.info("gateway_connected", release=release.spell(hello.release), methods=len(hello.methods))
            self._connection, self.hello = connection, hello
            self._tried.set()
            self.connected()
            try:
                await connection.read()
            finally:
                self._lost("The connection to OpenClaw's gateway broke; it is made again.")

    def _lost(self, fault: str) -> None:
        self._connection = self.hello = None
        if fault != self.fault:
            log.info("gateway_absent", fault=fault)
        self.fault = fault
        self._tried.set()


_REMEDIES = {
    "AUTH_TOKEN_MISMATCH": "Set OPENCLAW_GATEWAY_TOKEN to the token in its openclaw.json.",
    "AUTH_PASSWORD_MISMATCH": "Set OPENCLAW_GATEWAY_TOKEN to the password in its openclaw.json.",
    "DEVICE_IDENTITY_REQUIRED": "Set OPENCLAW_GATEWAY_TOKEN to its token or password.",
    "PROTOCOL_MISMATCH": "This version knows OpenClaw's protocols 3 and 4.",
    "UNAVAILABLE": "It is tried again.",
}


class _Connection:
    """One open socket: the handshake, and answers led to their requests."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, timeout_seconds: float) -> None:
        self._socket = socket
        self._timeout_seconds = timeout_seconds
        self._ids = itertools.count(1)
        self._asked: dict[str, asyncio.Future[Mapping[str, Any]]] = {}

    async def open(self, token: str | None, scopes: tuple[str, ...]) -> Hello:
        """Introduce us.

        Raises:
            GatewayRefusedError: it does not want us.
            ValueError: that is no gateway of OpenClaw's.
        """
        async with asyncio.timeout(self._timeout_seconds):
            challenge = await self._frame()
            if challenge.get("event") != "connect.challenge":
                raise ValueError("no challenge came")
            client = {"id": "gateway-client", "version": VERSION, "platform": sys.platform, "mode": "backend"}
            params = {
                "minProtocol": 3,
                "maxProtocol": 4,
                "client": client,
                "role": "operator",
                "scopes": scopes,
                "caps": [],
            } | ({"auth": {"token": token}} if token else {})
            await self._send("connect", "connect", params)
            while (answer := await self._frame()).get("id") != "connect":
                pass
        payload = _payload(answer)
        server, features = payload.get("server") or {}, payload.get("features") or {}
        methods = frozenset(features.get("methods") or ())
        return Hello(release.parse(server.get("version")), int(payload.get("protocol") or 4), methods)

    async def read(self) -> None:
        """Lead answers to those who wait for them, until the socket closes; then they get an error."""
        try:
            with suppress(aiohttp.ClientError, ConnectionError, ValueError):
                while True:
                    frame = await self._frame()
                    asked = self._asked.get(str(frame.get("id")))
                    if frame.get("type") == "res" and asked is not None and not asked.done():
                        asked.set_result(frame)
        finally:
            for asked in self._asked.values():
                if not asked.done():
                    asked.set_exception(ConnectionResetError())

    async def call(self, method: str, params: Mapping[str, object]) -> Mapping[str, Any]:
        """Ask, and wait for the answer."""
        request_id = f"r{next(self._ids)}"
        self._asked[request_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._send(request_id, method, params)
                return _payload(await self._asked[request_id])
        except TimeoutError as error:
            raise CannotWriteYetError(f"OpenClaw's gateway did not answer {method} in time.") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise CannotWriteYetError("The connection to OpenClaw's gateway broke.") from error
        finally:
            del self._asked[request_id]

    async def _send(self, request_id: str, method: str, params: Mapping[str, object]) -> None:
        frame = {"type": "req", "id": request_id, "method": method, "params": params}
        await self._socket.send_str(orjson.dumps(frame).decode())

    async def _frame(self) -> dict[str, Any]:
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionResetError
        frame = orjson.loads(message.data)
        return frame if isinstance(frame, dict) else {}


def _payload(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take an answer's payload out, or raise the refusal in it."""
    if answer.get("ok"):
        return answer.get("payload") or {}
    error = answer.get("error") or {}
    code = (error.get("details") or {}).get("code") or error.get("code")
    raise GatewayRefusedError(str(code), str(error.get("message")).rstrip("."))
