"""A leg: one of Twilio's calls, as REST shows it."""

import asyncio
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal

from sandbox.accounts import Method, new_sid
from sandbox.openai.call import RealtimeCall
from sandbox.steps import Script
from sandbox.twilio.troubles import NONE, TROUBLES, Trouble
from shared.events import CallStatus

Direction = Literal["inbound", "outbound-api", "outbound-dial"]


def rfc2822(moment: datetime | None) -> str | None:
    """Format a date as Twilio does: `Tue, 31 Aug 2010 20:36:28 +0000`."""
    return format_datetime(moment) if moment else None


@dataclass
class Leg:
    """One leg and where it stands.

    Attributes:
        time_limit: real seconds after the answer until Twilio ends it; None for ever.
        timeout: seconds a telephone rings.
        events: the events the status callback is told.
        changed: when it got the status it has.
        updates_refused: how often it was not ended when it should have been.
        statuses: every status it has had, in order.
        task: what runs it, to be stopped when it ends.
        bridges: what `<Dial>` connected it with, one after the other.
        in_order: held while a status callback is under way, so that they arrive in order.
    """

    account_sid: str
    to: str
    from_: str
    direction: Direction
    script: Script
    url: str | None = None
    twiml: str | None = None
    method: Method = "POST"
    status_callback: str | None = None
    callback_method: Method = "POST"
    events: frozenset[str] = frozenset({"completed"})
    time_limit: float | None = None
    timeout: float = 60.0
    parent_sid: str | None = None
    sid: str = field(default_factory=lambda: new_sid("CA"))
    statuses: list[CallStatus] = field(default_factory=lambda: [CallStatus.QUEUED])
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    answered: datetime | None = None
    ended: datetime | None = None
    changed: datetime = field(default_factory=lambda: datetime.now(UTC))
    updates_refused: int = 0
    sequence: int = 0
    task: asyncio.Task[None] | None = None
    bridges: list["Bridge"] = field(default_factory=list)
    in_order: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def trouble(self) -> Trouble:
        """What goes wrong with it."""
        return TROUBLES.get(self.script.fault or "", NONE)

    @property
    def status(self) -> CallStatus:
        """Where it stands."""
        return self.statuses[-1]

    @property
    def seconds(self) -> int:
        """How long it lasted since it was answered, in started real seconds."""
        return math.ceil((self.ended - self.answered).total_seconds()) if self.answered and self.ended else 0

    def becomes(self, status: CallStatus) -> None:
        """Move on to a status, noting the time."""
        self.statuses.append(status)
        self.changed = datetime.now(UTC)
        if status is CallStatus.IN_PROGRESS:
            self.answered = self.changed
        elif status.is_final:
            self.ended = self.changed

    def as_json(self, lag_seconds: float = 0.0) -> dict[str, Any]:
        """Show it as REST does, every value a string or null, so many real seconds behind."""
        behind = (datetime.now(UTC) - self.changed).total_seconds() < lag_seconds
        status = self.statuses[-2] if behind and len(self.statuses) > 1 else self.status
        ended = self.ended if status.is_final else None
        uri = f"/2010-04-01/Accounts/{self.account_sid}/Calls/{self.sid}"
        started = self.answered or ended
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "status": str(status),
            "to": self.to,
            "from": self.from_,
            "to_formatted": self.to,
            "from_formatted": self.from_,
            "direction": self.direction,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(ended or self.answered),
            "start_time": rfc2822(started),
            "end_time": rfc2822(ended),
            "duration": str(self.seconds) if ended else None,
            "price": None,
            "price_unit": "USD",
            "answered_by": None,
            "api_version": "2010-04-01",
            "caller_name": None,
            "forwarded_from": None,
            "group_sid": None,
            "parent_call_sid": self.parent_sid,
            "phone_number_sid": f"PN{self.account_sid[2:]}",
            "queue_time": str(round(self.trouble.queues * 1000)),
            "trunk_sid": None,
            "uri": f"{uri}.json",
            "subresource_uris": {
                "recordings": f"{uri}/Recordings.json",
                "notifications": f"{uri}/Notifications.json",
                "streams": f"{uri}/Streams.json",
            },
        }


@dataclass(frozen=True)
class Bridge:
    """What a `<Dial>` led to: the child leg, and OpenAI's call if one began to ring."""

    child: Leg
    realtime: RealtimeCall | None
