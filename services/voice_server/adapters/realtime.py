"""The sideband: a WebSocket into a call whose audio flows between Twilio and OpenAI."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import orjson
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from services.voice_server.adapters.realtime_events import MalformedEventError, signals_of
from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import CheckSideband, RequestResponse, RetrieveItem, SubmitOutput

log = structlog.get_logger()

ATTACH_SECONDS = 10
_OPEN_SECONDS = 5
_SEND_SECONDS = 5
_PING_SECONDS = 20
SIGN_OF_LIFE_SECONDS = 5
_ENDED = frozenset({1000, 1005})
_GOING_AWAY = 1001
_EXPIRED = "maximum duration"


ToModel = RequestResponse | SubmitOutput | RetrieveItem | CheckSideband
"""The commands that a sideband carries."""


class SidebandError(Exception):
    """The sideband cannot be attached."""


class SidebandNotFoundError(SidebandError):
    """OpenAI has no such call to attach to."""


class Sideband:
    """One attached socket: signals come out, commands go in; `malformed` counts frames that are no events."""

    def __init__(self, socket: ClientConnection, sign_of_life_seconds: float) -> None:
        self._socket = socket
        self._sign_of_life_seconds = sign_of_life_seconds
        self._name = secrets.token_hex(4)  # a call may have several, one after the other
        self._sent = 0
        self.malformed = 0
        self._frame_came = asyncio.Event()

    async def signals(self) -> AsyncIterator[s.Signal]:
        """Yield what happens in the call. The last signal tells how the socket ended."""
        with suppress(ConnectionClosed):
            async for frame in self._socket:
                self._frame_came.set()
                for signal in self._translate(frame):
                    yield signal
        yield self._last_signal()

    async def send(self, command: ToModel) -> None:
        """Tell OpenAI. What cannot be told is logged: the socket's end will be noticed where it is read."""
        event = _event(command)
        self._sent += 1
        event.setdefault("event_id", f"event_{self._name}_{self._sent}")
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._socket.send(orjson.dumps(event).decode())
        except (ConnectionClosed, TimeoutError):
            log.warning("sideband_send_failed", type=event["type"])

    async def check(self) -> None:
        """Make OpenAI give a sign of life; if none comes, the socket counts as broken, and `signals` ends."""
        self._frame_came.clear()
        await self.send(CheckSideband())
        try:
            async with asyncio.timeout(self._sign_of_life_seconds):
                await self._frame_came.wait()
        except TimeoutError:
            log.warning("sideband_gave_no_sign_of_life")
            self._socket.transport.abort()

    def _translate(self, frame: str | bytes) -> list[s.Signal]:
        try:
            return signals_of(frame)
        except MalformedEventError as error:
            self.malformed += 1
            log.warning("sideband_event_malformed", fault=str(error), size_bytes=len(frame))
            return []

    def _last_signal(self) -> s.Signal:
        code, reason = self._socket.close_code, self._socket.close_reason or ""
        log.info("sideband_closed", code=int(code or 1006), malformed=self.malformed)
        if code in _ENDED:
            return s.SidebandClosed()
        if code == _GOING_AWAY and _EXPIRED in reason:
            return s.SidebandClosed(expired=True)
        return s.SidebandLost()


def _event(command: ToModel) -> dict[str, Any]:
    if isinstance(command, SubmitOutput):
        output = {"type": "function_call_output", "call_id": command.tool_call_id, "output": command.output}
        return {"type": "conversation.item.create", "item": output}
    if isinstance(command, CheckSideband):
        return {"type": "session.update", "session": {"type": "realtime"}}
    if isinstance(command, RetrieveItem):
        return {"type": "conversation.item.retrieve", "item_id": command.item_id}
    response: dict[str, Any] = {"metadata": {"request_id": command.request_id}}
    if command.instructions:
        response["instructions"] = command.instructions
    if command.instructions or command.only_talk:
        response["tool_choice"] = "none"
    return {"type": "response.create", "event_id": command.request_id, "response": response}


class Realtime:
    """Attach sidebands.

    Args:
        base_url: OpenAI's REST address; the socket's is derived from it (`http` -> `ws`).
        api_key: the key the call was accepted with.
        attach_seconds: how long attaching is tried.
        sign_of_life_seconds: how long a sign of life may take that was asked for.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        attach_seconds: float = ATTACH_SECONDS,
        sign_of_life_seconds: float = SIGN_OF_LIFE_SECONDS,
    ) -> None:
        self._url = f"ws{base_url.removeprefix('http')}/realtime"
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._attach_seconds = attach_seconds
        self._sign_of_life_seconds = sign_of_life_seconds

    @asynccontextmanager
    async def attach(self, rtc_id: str, *, rejoin: bool) -> AsyncIterator[Sideband]:
        """Attach to a call and let go of it at the end of the block.

        A call just accepted may not be joinable yet, so "not found" is retried; with `rejoin` it was joined
        before, and "not found" means that it is over.

        Raises:
            SidebandNotFoundError: there is no such call (any more).
            SidebandError: OpenAI refused, or cannot be reached.
        """
        socket = await self._connect(rtc_id, rejoin=rejoin)
        try:
            yield Sideband(socket, self._sign_of_life_seconds)
        finally:
            await socket.close()

    async def _connect(self, rtc_id: str, *, rejoin: bool) -> ClientConnection:
        pause, deadline = 0.1, asyncio.get_running_loop().time() + self._attach_seconds
        while True:
            try:
                return await self._open(rtc_id)
            except SidebandNotFoundError:
                if rejoin:
                    raise
                failure: SidebandError = SidebandNotFoundError("The call did not become joinable.")
            except SidebandError as error:
                failure = error
            if asyncio.get_running_loop().time() + pause > deadline:
                raise failure
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.6)

    async def _open(self, rtc_id: str) -> ClientConnection:
        try:
            return await connect(
                f"{self._url}?call_id={quote(rtc_id, safe='')}",
                additional_headers=self._headers,
                open_timeout=_OPEN_SECONDS,
                ping_interval=_PING_SECONDS,
                close_timeout=1,
                compression=None,
                max_size=None,
                proxy=None,
            )
        except InvalidStatus as error:
            if error.response.status_code == 404:
                raise SidebandNotFoundError("OpenAI does not know this call.") from error
            raise SidebandError(f"OpenAI answered {error.response.status_code}.") from error
        except (OSError, TimeoutError, InvalidHandshake) as error:
            raise SidebandError(f"OpenAI cannot be reached ({type(error).__name__}).") from error
