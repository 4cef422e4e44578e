"""Twilio over REST: place a call to a person, and end it.

Twilio has no idempotency key: an attempt whose outcome is unknown may have placed the call, and is therefore
never repeated. Only "not processed" (429) and "never sent" (no connection) are.
"""

import asyncio
import base64
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import structlog
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.call import CallInstance

from services.voice_server.domain.policy import DestinationRefusedError
from shared import health
from shared.events import CallStatus

log = structlog.get_logger()

TIMEOUT_SECONDS = 10
RING_SECONDS = 30
_ATTEMPTS = 3
_NOT_IN_PROGRESS = 21220
_DEFAULT_URL = "https://api.twilio.com"
_REFUSED = (TwilioRestException, TwilioServiceException)
_EVENTS = ["initiated", "ringing", "answered", "completed"]

_IMPOSSIBLE = {
    21210: "caller_id: Twilio only calls from numbers that it has verified as yours.",
    21211: "to: Twilio says that this is not a valid number.",
    21212: "caller_id: Twilio says that this is not a valid number.",
    21214: "to: Twilio cannot reach this number.",
    21217: "to: Twilio says that this is not a valid number.",
}
_FORBIDDEN = {
    13227: "Twilio's geographic permissions do not allow this region; change them in the Twilio console.",
    21215: "Twilio's geographic permissions do not allow this region; change them in the Twilio console.",
    21216: "Twilio has blocked this number.",
    21219: "A trial account may only call verified numbers; verify it in the Twilio console.",
    573002: "A trial account may only call verified numbers; verify it in the Twilio console.",
    573005: "A trial account may only call from its own trial number.",
}
"""What Twilio holds against a call, by error code: it cannot be made, or it may not."""


class ImpossibleCallError(Exception):
    """Twilio cannot call that number, or not from that one."""


class TwilioError(Exception):
    """Twilio did not do what it was asked."""


class TwilioBusyError(TwilioError):
    """Twilio takes no more requests at the moment; try again in a few seconds."""

    retry_after_seconds = 5


class TwilioUncertainError(TwilioError):
    """Twilio did not answer clearly; the call may have been placed."""


class _NeverSentError(TwilioException):
    """No connection was made, so nothing can have happened."""


class _NoAnswerError(TwilioException):
    """The request was sent, and no answer came."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How we show Twilio who we are: the auth token, or an API key of the account."""

    account_sid: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Leg:
    """What Twilio says of a call; `ended_at` in seconds since 1970, None while it lasts."""

    status: CallStatus
    ended_at: float | None


def _leg(call: CallInstance) -> Leg:
    return Leg(CallStatus(str(call.status)), call.end_time.timestamp() if call.end_time else None)


class _Http(AsyncHttpClient):
    """Twilio's client over our own connection pool: with a real timeout, and without repeating POSTs."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, timeout_seconds: float) -> None:
        super().__init__(logging.getLogger("twilio"), is_async=True, timeout=timeout_seconds)
        self._http = http
        self._base_url = base_url

    async def request(  # type: ignore[override]  # twilio declares its async client as a sync one
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is twilio's
        allow_redirects: bool = False,
    ) -> Response:
        sent = dict(headers or {})
        if auth:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        target = self._base_url + url[url.index("/", len("https://")) :]
        limit = aiohttp.ClientTimeout(total=timeout or self.timeout)
        try:
            async with self._http.request(
                method,
                target,
                params=params,
                data=data,
                headers=sent,
                timeout=limit,
                allow_redirects=allow_redirects,
            ) as answer:
                text = await answer.text(errors="replace")
                if answer.status // 100 == 2 and not _is_call(text):
                    raise _NoAnswerError("no call in the answer")
                return Response(answer.status, text, answer.headers)
        except aiohttp.ClientConnectorError as error:
            raise _NeverSentError(str(error)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _NoAnswerError(type(error).__name__) from error


def _is_call(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text)["sid"], str)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False


class TwilioApi:
    """Make and end calls.

    Args:
        http: the client to use; it must not limit connections.
        credentials: of the account that owns `own_number`.
        base_url: Twilio's, or a stand-in's.
        public_url: where Twilio reaches this server.
        timeout_seconds: how long one request may take.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        credentials: Credentials,
        base_url: str,
        public_url: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._client = Client(
            credentials.username,
            credentials.password,
            account_sid=credentials.account_sid,
            http_client=_Http(http, base_url, timeout_seconds),
        )
        self._public_url = public_url
        self.health = health.unknown("No call has been placed yet.")

    async def place_call(self, ref: str, *, to: str, caller_id: str, time_limit_seconds: int) -> str:
        """Have Twilio call a person and return the call's SID. `ref` comes back in every request of Twilio's.

        Raises:
            ImpossibleCallError: Twilio cannot call this number, or not from that one.
            DestinationRefusedError: Twilio will not call this number.
            TwilioBusyError: too many requests; nothing was placed.
            TwilioUncertainError: no clear answer; the call may have been placed.
            TwilioError: refused, or Twilio cannot be reached; nothing was placed.
        """
        try:
            call = await self._retrying(
                lambda: self._client.calls.create_async(
                    to=to,
                    from_=caller_id,
                    url=f"{self._public_url}/voice/twiml?ref={ref}",
                    method="POST",
                    status_callback=f"{self._public_url}/webhook?ref={ref}#rc=3&rp=ct,rt,5xx",
                    status_callback_event=_EVENTS,
                    status_callback_method="POST",
                    timeout=RING_SECONDS,
                    time_limit=time_limit_seconds,
                )
            )
        except _REFUSED as error:
            raise self._failure(error) from error
        except _NoAnswerError as error:
            raise self._unwell(TwilioUncertainError(TwilioUncertainError.__doc__)) from error
        except TwilioException as error:
            raise self._unwell(TwilioError("Twilio cannot be reached; nothing was placed.")) from error
        self.health = health.ok("REST answers.")
        return str(call.sid)

    async def hang_up(self, call_sid: str) -> Leg | None:
        """End a call in whatever state it is, and return what Twilio says has become of it, if it is over.

        A call that waits or rings can only be canceled, one that is talked on only be completed; which of the
        two it is may change between asking and telling, so both are told.

        Raises:
            TwilioError: Twilio cannot be reached, or refused.
        """
        try:
            leg = await self._update(call_sid, "canceled")
            if leg is not None and not leg.status.is_final:
                leg = await self._update(call_sid, "completed")
        except (TwilioException, ValueError) as error:
            raise self._unwell(TwilioError("Twilio did not take the hang-up.")) from error
        return leg if leg and leg.status.is_final else None

    async def leg(self, call_sid: str) -> Leg:
        """Ask what has become of a call. The answer may lag a little behind.

        Raises:
            TwilioError: Twilio cannot be reached, or does not know the call.
        """
        try:
            return _leg(await self._retrying(lambda: self._client.calls(call_sid).fetch_async()))
        except (TwilioException, ValueError) as error:
            raise self._unwell(TwilioError("Twilio did not tell what became of the call.")) from error

    async def _update(self, call_sid: str, status: str) -> Leg | None:
        try:
            return _leg(
                await self._retrying(lambda: self._client.calls(call_sid).update_async(status=status))
            )
        except _REFUSED as error:
            if error.code == _NOT_IN_PROGRESS or error.status == 404:
                with suppress(TwilioError):
                    return await self.leg(call_sid)
                return None
            raise

    async def _retrying(self, send: Any) -> Any:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await send()
            except (*_REFUSED, _NeverSentError) as error:
                refused = isinstance(error, _REFUSED) and error.status != 429
                if refused or attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")

    def _failure(self, error: TwilioRestException | TwilioServiceException) -> Exception:
        log.warning("twilio_refused", code=error.code, status=error.status)
        if error.code in _IMPOSSIBLE:
            return ImpossibleCallError(_IMPOSSIBLE[error.code])
        if error.code in _FORBIDDEN:
            return DestinationRefusedError(_FORBIDDEN[error.code])
        if error.status == 429:
            return TwilioBusyError(TwilioBusyError.__doc__)
        if error.status >= 500:
            return self._unwell(TwilioUncertainError(TwilioUncertainError.__doc__))
        if error.status == 401:
            return self._unwell(
                TwilioError("Twilio does not accept the credentials; check TWILIO_AUTH_TOKEN.")
            )
        return self._unwell(TwilioError(f"Twilio refused the call (error {error.code})."))

    def _unwell(self, error: TwilioError) -> TwilioError:
        self.health = health.failed(str(error))
        return error
