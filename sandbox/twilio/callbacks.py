"""What Twilio posts to the service: signed forms that ask for TwiML or tell how a call fares."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from aiohttp import ClientConnectionError, ClientTimeout
from yarl import URL

from sandbox.signing import twilio_signature
from sandbox.twilio.errors import CallFaultError
from sandbox.twilio.legs import Event, Leg, rfc2822
from sandbox.world import World
from shared.events import CallStatus

_TIMEOUT = ClientTimeout(total=15, connect=5)

_PLACES = {
    f"{who}{what}": ""
    for who in ("From", "To", "Caller", "Called")
    for what in ("City", "State", "Zip", "Country")
}


@dataclass(frozen=True)
class Posted:
    """One form posted to the service, and the status of the answer (None: there was none)."""

    url: str
    form: dict[str, str]
    status: int | None


class Callbacks:
    """Post to the service under test; every attempt is kept in `posted`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.posted: list[Posted] = []

    async def fetch_twiml(self, url: str, leg: Leg, further: dict[str, str] | None = None) -> str:
        """Ask the service what to do with a call.

        Raises:
            CallFaultError: no answer (11205), not a 2xx (11200), or not XML (12300).
        """
        try:
            status, kind, text = await self._post(url, {**_about(leg), **_PLACES, **(further or {})})
        except (ClientConnectionError, TimeoutError) as error:
            raise CallFaultError(11205, f"HTTP connection failure: {url}: {error!r}") from error
        if not 200 <= status < 300:
            raise CallFaultError(11200, f"HTTP retrieval failure: {url} answered {status}.")
        if kind not in {"text/xml", "application/xml"}:
            raise CallFaultError(12300, f"Invalid Content-Type: {url} answered {kind}.")
        return text

    def report(self, leg: Leg, event: Event, *, sip_code: int | None = None) -> None:
        """Tell the status callback, in the background and in order, if it has asked for this event."""
        if leg.status_callback and event in leg.events:
            form = _status_form(leg, event, sip_code)
            leg.sequence += 1
            self._world.tasks.start(self._tell(leg, leg.status_callback, form), name=f"{event} of {leg.sid}")

    async def _tell(self, leg: Leg, url: str, form: dict[str, str]) -> None:
        token = secrets.token_hex(16)
        async with leg.in_order:
            for _attempt in range(2):  # rc=1, rp=ct: one retry, and only when there was no connection
                try:
                    await self._post(url, form, token)
                except ClientConnectionError:
                    continue
                except TimeoutError:
                    pass
                return

    async def _post(self, url: str, form: dict[str, str], token: str | None = None) -> tuple[int, str, str]:
        url = url.partition("#")[0]  # the fragment holds overrides for Twilio; it is neither sent nor signed
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": token or secrets.token_hex(16),
            "X-Twilio-Signature": twilio_signature(self._world.settings.twilio_auth_token, url, form.items()),
        }
        status: int | None = None
        try:
            async with self._world.http.post(
                URL(url, encoded=True),
                data=urlencode(form),
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as response:
                status = response.status
                return status, response.content_type, await response.text()
        finally:
            self.posted.append(Posted(url, form, status))
            self._world.watch.changed()


def _about(leg: Leg) -> dict[str, str]:
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


def _status_form(leg: Leg, event: Event, sip_code: int | None) -> dict[str, str]:
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
    return form
