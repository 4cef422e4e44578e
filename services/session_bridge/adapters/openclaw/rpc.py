"""OpenClaw's gateway over a WebSocket that comes back by itself.

A client beside the gateway that shows its token needs no pairing. It gets the scopes it asks for, so it asks
for few.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import structlog

from services.session_bridge.adapters.openclaw.socket import GatewayRefusedError, Hello, OpenClawSocket
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain import release
from shared.openclaw_config import OpenClawConfigError
from shared.settings import address

log = structlog.get_logger()

TRANSCRIPT = "talk.client.transcript"
_SCOPES = ("operator.read", "operator.write")
"""What it takes to send a message to a chat; telling a transcript takes less."""

_LONGEST_PAUSE_SECONDS = 30
_LONGEST_FRAME_BYTES = 26 * 1024 * 1024


class OpenClawRpc:
    """Keep a connection to the gateway, made anew with growing pauses whenever it breaks.

    `hello` is what the gateway there is says of itself, `fault` why there is none, `connected` is called
    when there is one again, and `told` with each of its events.

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
        self._connection: OpenClawSocket | None = None
        self.connected: Callable[[], None] = lambda: None
        self.told: Callable[[str, Mapping[str, Any]], None] = lambda _event, _payload: None
        self._tried = asyncio.Event()
        self._hurry = asyncio.Event()

    async def tried(self) -> None:
        """Wait until it has once been seen whether a gateway is there."""
        await self._tried.wait()

    def hurry(self) -> None:
        """Try again at once, if none is connected."""
        if self.hello is None:
            self._hurry.set()

    async def retry(self) -> None:
        """See now whether a gateway is there, if none is connected."""
        if self.hello is None:
            self._tried.clear()
            self.hurry()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeout_seconds):
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
        if self.hello is None or self.hello.protocol < 4 or self.offers(TRANSCRIPT):
            return False  # Where it is 3, `sessions.json` has a lock; where transcripts are taken, no use.
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
                began = time.monotonic()
                await self._serve(url, token)
                if time.monotonic() - began > _LONGEST_PAUSE_SECONDS:
                    failures = 0
            except OpenClawConfigError as error:
                self._lost(f"OpenClaw's configuration cannot be read: {error}")
            except GatewayRefusedError as error:
                remedy = _REMEDIES.get(error.code, "Its log says why.")
                self._lost(f"OpenClaw's gateway at {address(url)} does not let us in: {error}. {remedy}")
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
                where = address(url)
                self._lost(
                    f"No OpenClaw gateway answers at {where}: start it, or correct OPENCLAW_GATEWAY_URL."
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(min(0.25 * 2 ** min(failures, 8), _LONGEST_PAUSE_SECONDS)):
                    await self._hurry.wait()
            self._hurry.clear()
            failures += 1

    async def _serve(self, url: str, token: str | None) -> None:
        """Connect, and stay connected as long as it lasts; what ends it before the hello is raised."""
        async with (
            asyncio.timeout(self._timeout_seconds) as patience,
            self._http.ws_connect(
                url,
                max_msg_size=_LONGEST_FRAME_BYTES,
                heartbeat=30,
                timeout=aiohttp.ClientWSTimeout(ws_close=2),
            ) as socket,
        ):
            connection = OpenClawSocket(socket, self._timeout_seconds, self._tell)
            hello = await connection.open(token, _SCOPES)
            patience.reschedule(None)
            log.info("gateway_connected", release=release.spell(hello.release), methods=len(hello.methods))
            self._connection, self.hello = connection, hello
            self._tried.set()
            self.connected()
            try:
                await connection.read()
            finally:
                self._lost("The connection to OpenClaw's gateway broke; it is made again.")

    def _tell(self, event: str, payload: Mapping[str, Any]) -> None:
        self.told(event, payload)

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
