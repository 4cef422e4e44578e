"""Twilio over REST: place a call to a person, and end it.

Twilio has no idempotency key: an attempt whose outcome is unknown may have placed the call, and is therefore
never repeated. Only "not processed" (429) and "never sent" (no connection) are.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from twilio.base.exceptions import TwilioException
from twilio.rest.api.v2010.account.call import CallInstance

from services.voice_server.adapters.twilio_errors import (
    NOT_IN_PROGRESS,
    REFUSED,
    TwilioBusyError,
    TwilioError,
    TwilioUncertainError,
    TwilioUnreachableError,
    refusal,
)
from services.voice_server.adapters.twilio_http import Credentials, NeverSentError, NoAnswerError, client
from shared import health
from shared.events import CallStatus

log = structlog.get_logger()

TIMEOUT_SECONDS = 10
RING_SECONDS = 30
_ATTEMPTS = 3
_EVENTS = ["initiated", "ringing", "answered", "completed"]


@dataclass(frozen=True, slots=True)
class Leg:
    """What Twilio says of a call; `ended_at` in seconds since 1970, None while it lasts."""

    status: CallStatus
    ended_at: float | None


def _leg(call: CallInstance) -> Leg:
    return Leg(CallStatus(str(call.status)), call.end_time.timestamp() if call.end_time else None)


def _is_call(answer: Any) -> bool:
    return isinstance(answer, dict) and isinstance(answer.get("sid"), str)


class TwilioApi:
    """Make and end calls.

    Args:
        http: the client to use; it must not limit connections.
        credentials: of the account that owns `own_number`.
        base_url: Twilio's, or a stand-in's.
        public_url: where Twilio reaches this server.
        own_number: what calls show where the request names no other number.
        timeout_seconds: how long one request may take, and until when a busy Twilio is asked again.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        credentials: Credentials,
        base_url: str,
        public_url: str,
        own_number: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._client = client(http, credentials, base_url, timeout_seconds, _is_call)
        self._public_url = public_url
        self._own_number = own_number
        self._retry_seconds = timeout_seconds
        self.health = health.unknown("No call has been placed yet.")

    async def place_call(self, ref: str, *, to: str, caller_id: str, time_limit_seconds: int) -> str:
        """Have Twilio call a person and return the call's SID. `ref` comes back in every request of Twilio's.

        Raises:
            ImpossibleCallError: Twilio cannot call this number, or not from that one.
            DestinationRefusedError: Twilio will not call this number.
            TwilioUncertainError: no clear answer; the call may have been placed.
            TwilioError: refused, or Twilio is busy or cannot be reached; nothing was placed.
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
        except REFUSED as error:
            failure = refusal(error, own_number=caller_id == self._own_number)
            is_ill = isinstance(failure, TwilioError) and not isinstance(failure, TwilioBusyError)
            raise (self._unwell(failure) if is_ill else failure) from error
        except NoAnswerError as error:
            raise self._unwell(TwilioUncertainError(TwilioUncertainError.__doc__)) from error
        except TwilioException as error:
            raise self._unwell(TwilioUnreachableError(TwilioUnreachableError.__doc__)) from error
        self.health = health.ok("REST answers.")
        # Above the account's calls per second Twilio takes a call all the same, and dials it later.
        log.info("call_placed", call_id=call.sid, queue_ms=call.queue_time)
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
        except REFUSED as error:
            if error.code == NOT_IN_PROGRESS or error.status == 404:
                with suppress(TwilioError):
                    return await self.leg(call_sid)
                return None
            raise

    async def _retrying(self, send: Any) -> Any:
        begun = time.monotonic()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await send()
            except (*REFUSED, NeverSentError) as error:
                refused = isinstance(error, REFUSED) and error.status != 429
                late = time.monotonic() - begun > self._retry_seconds
                if refused or late or attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")

    def _unwell(self, error: Exception) -> Exception:
        self.health = health.failed(str(error))
        return error
