"""What Twilio posts to the service: signed forms that ask for TwiML or tell how a call fares."""

import asyncio
import secrets
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from aiohttp import ClientConnectionError, ClientConnectorError, ClientTimeout, ConnectionTimeoutError
from pydantic import SecretStr
from yarl import URL

from sandbox.accounts import Method
from sandbox.signing import twilio_signature
from sandbox.twilio import overrides
from sandbox.twilio.errors import CallFaultError
from sandbox.twilio.legs import Leg, rfc2822
from sandbox.twilio.troubles import Event
from sandbox.world import World
from shared.events import CallStatus

_TIMEOUT = ClientTimeout(total=15, connect=5)

_Form = dict[str, str]

_PLACES = {
    f"{who}{what}": ""
    for who in ("From", "To", "Caller", "Called")
    for what in ("City", "State", "Zip", "Country")
}


@dataclass(frozen=True)
class Posted:
    """One form posted to the service, and the status of the answer (None: there was none)."""

    url: str
    form: _Form
    token: str
    status: int | None


class Callbacks:
    """Post to the service under test; every attempt is kept in `posted`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.posted: list[Posted] = []
        self._held: defaultdict[str, list[tuple[Event, _Form]]] = defaultdict(list)

    async def fetch_twiml(self, url: str, leg: Leg, further: dict[str, str] | None = None) -> str:
        """Ask the service what to do with a call.

        Raises:
            CallFaultError: no answer (11205), not a 2xx (11200), or not XML (12300).
        """
        form = {**_about(leg), **_PLACES, **(further or {})}
        token = secrets.token_hex(16)
        try:
            answers = await asyncio.gather(
                *(self._send(leg.method, url, form, token) for _copy in range(leg.trouble.fetches))
            )
        except (ClientConnectionError, TimeoutError) as error:
            raise CallFaultError(11205, f"HTTP connection failure: {url}: {error!r}") from error
        status, kind, text = answers[-1]
        if not 200 <= status < 300:
            raise CallFaultError(11200, f"HTTP retrieval failure: {url} answered {status}.")
        if kind not in {"text/xml", "application/xml"}:
            raise CallFaultError(12300, f"Invalid Content-Type: {url} answered {kind}.")
        return text

    def report(self, leg: Leg, event: Event, *, sip_code: int | None = None) -> None:
        """Tell the status callback, in the background and in order, if it has asked for this event."""
        if not leg.status_callback or event not in leg.events:
            return
        self._held[leg.sid].append((event, _status_form(leg, event, sip_code)))
        leg.sequence += 1
        if leg.trouble.reorders and event != "completed":
            return
        order = self._world.switches.callback_order
        for due, form in sorted(self._held.pop(leg.sid), key=lambda one: order.index(one[0])):
            if due not in leg.trouble.loses:
                telling = self._tell(leg, leg.status_callback, form)
                self._world.tasks.start(telling, name=f"{due} of {leg.sid}")

    def tell_of_recording(self, url: str, form: _Form, copies: int) -> None:
        """Post what has become of a recording, in the background; so many copies of it at once."""
        token = secrets.token_hex(16)
        for _copy in range(copies):
            self._world.tasks.start(
                self._deliver("POST", url, form, token, loses_answer=False), name=f"of {form['RecordingSid']}"
            )

    async def _tell(self, leg: Leg, url: str, form: _Form) -> None:
        await self._world.clock.pause(leg.trouble.delays)
        tokens = [secrets.token_hex(16) for _ in leg.trouble.tokens]
        async with leg.in_order, asyncio.TaskGroup() as copies:
            for number in leg.trouble.tokens:
                copies.create_task(
                    self._deliver(leg.callback_method, url, form, tokens[number], leg.trouble.loses_answer)
                )

    async def _deliver(self, method: Method, url: str, form: _Form, token: str, loses_answer: bool) -> None:
        wanted = overrides.read(url)
        for attempt in range(1 + wanted.retries):
            failure = await self._attempt(method, url, form, token)
            if loses_answer and attempt == 0:
                failure = "rt"
            if failure not in wanted.after:
                return

    async def _attempt(self, method: Method, url: str, form: _Form, token: str) -> str | None:
        """Send once; how it failed, in the words of `rp`."""
        try:
            status, _, _ = await self._send(method, url, form, token)
        except (ClientConnectorError, ConnectionTimeoutError):
            return "ct"
        except (ClientConnectionError, TimeoutError):
            return "rt"
        return f"{status // 100}xx" if status >= 400 else None

    async def _send(self, method: Method, url: str, form: _Form, token: str) -> tuple[int, str, str]:
        url = url.partition("#")[0]  # the fragment holds overrides for Twilio; it is neither sent nor signed
        signed: _Form = form
        if method == "GET":
            url, signed = f"{url}{'&' if '?' in url else '?'}{urlencode(form)}", {}
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": token,
            "X-Twilio-Signature": twilio_signature(
                SecretStr(self._world.filled(self._world.accounts.auth_token)), url, signed.items()
            ),
        }
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        status: int | None = None
        try:
            async with self._world.http.request(
                method,
                URL(url, encoded=True),
                data=urlencode(form) if method == "POST" else None,
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as response:
                status = response.status
                return status, response.content_type, await response.text()
        finally:
            self.posted.append(Posted(url, form, token, status))
            self._world.watch.changed()


def _about(leg: Leg) -> _Form:
    about = {
        "CallSid": leg.sid,
        "AccountSid": leg.account_sid,
        "From": leg.from_,
        "To": leg.to,
        "Caller": leg.from_,
        "Called": leg.to,
        "CallStatus": str(leg.status),
        "ApiVersion": "2010-04-01",
        "Direction": leg.direction,
    }
    return about | ({"ParentCallSid": leg.parent_sid} if leg.parent_sid else {})


def _status_form(leg: Leg, event: Event, sip_code: int | None) -> _Form:
    form = (
        _about(leg)
        | _PLACES
        | {
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(leg.sequence),
            "Timestamp": rfc2822(datetime.now(UTC)) or "",
        }
    )
    if event == "initiated":
        form["CallStatus"] = "initiated"  # a word that only callbacks know
    if event == "completed":
        form["CallDuration"] = str(leg.seconds)
        form["Duration"] = str(-(-leg.seconds // 60))  # minutes
        form["SipResponseCode"] = str(sip_code or (200 if leg.status is CallStatus.COMPLETED else 487))
    if event in leg.trouble.calls_it:
        form["CallStatus"] = leg.trouble.calls_it[event]
    return form
