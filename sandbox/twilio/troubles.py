"""What each of Twilio's faults changes, as data: the places that place, tell, fetch and end look it up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Event = Literal["initiated", "ringing", "answered", "completed"]

EVENTS: frozenset[Event] = frozenset({"initiated", "ringing", "answered", "completed"})


@dataclass(frozen=True)
class Refusal:
    """An error answer of REST: HTTP status, Twilio's code and its message."""

    status: int
    code: int
    message: str


@dataclass(frozen=True)
class Refusals:
    """What REST answers first, so many times; afterwards it does as it is asked."""

    refusal: Refusal
    times: float = math.inf


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one call; by default nothing. Seconds are the sandbox's.

    Attributes:
        refuses: the answer to creating it.
        places: whether it is placed for all that.
        answers: what becomes of the answer to creating it: it comes, too late, or not at all.
        answers_after: how long that answer takes.
        queues: how long it waits before it is dialled.
        rings_for_ever: nobody answers, and no timeout is kept.
        fetches: how often its TwiML is fetched; the last answer counts.
        invite_arrives: whether OpenAI hears of it.
        vanishes_after: when after the answer its leg ends without a word.
        ends_after: when after the answer Twilio ends it.
        loses: the events whose callback does not arrive.
        tokens: the idempotency tokens of one callback, by number, each a copy of its own.
        delays: how much later a callback arrives.
        reorders: the callbacks are kept until the call is over.
        loses_answer: the first answer to a callback is lost.
        calls_it: what the callback of an event has as its `CallStatus`.
        refuses_update: the answer to ending it.
        lags: how long REST shows the status before.
    """

    refuses: Refusals | None = None
    places: bool = True
    answers: Literal["in time", "late", "never"] = "in time"
    answers_after: float = 0.0
    queues: float = 0.0
    rings_for_ever: bool = False
    fetches: int = 1
    invite_arrives: bool = True
    vanishes_after: float = math.inf
    ends_after: float = math.inf
    loses: frozenset[Event] = frozenset()
    tokens: tuple[int, ...] = (0,)
    delays: float = 0.0
    reorders: bool = False
    loses_answer: bool = False
    calls_it: Mapping[Event, str] = field(default_factory=dict)
    refuses_update: Refusals | None = None
    lags: float = 0.0


_FAILED = Refusal(500, 20500, "An internal server error has occurred")
_BUSY = Refusal(429, 20429, "Too Many Requests")
_INVALID = Refusal(400, 21211, "The phone number you are calling is not valid.")
FORBIDDEN = Refusal(
    400, 21215, "Account not authorized to call this number. Perhaps you need to enable some geo permissions."
)
CLOSED = Refusal(403, 20003, "Permission Denied")
_BLOCKED = Refusal(400, 21216, "Account not allowed to call this number.")
UNVERIFIED = Refusal(400, 0, "The number is unverified. Trial accounts may only call verified numbers.")


def _refused(refusal: Refusal, times: float = math.inf) -> Trouble:
    return Trouble(refuses=Refusals(refusal, times), places=False)


TROUBLES: dict[str, Trouble] = {
    "callbacks-doubled": Trouble(tokens=(0, 0)),
    "callbacks-doubled-anew": Trouble(tokens=(0, 1)),
    "callbacks-reordered": Trouble(reorders=True),
    "callbacks-middle-lost": Trouble(loses=frozenset({"ringing", "answered"})),
    "callbacks-lost": Trouble(loses=EVENTS),
    "callbacks-slow": Trouble(delays=10),
    "callbacks-answer-lost": Trouble(loses_answer=True),
    "callbacks-unknown-status": Trouble(calls_it={"ringing": "early-media", "answered": "talking"}),
    "twiml-fetched-twice": Trouble(fetches=2),
    "create-failed-but-placed": Trouble(refuses=Refusals(_FAILED)),
    "create-failed": _refused(_FAILED),
    "create-late-but-placed": Trouble(answers="late"),
    "create-cut-but-placed": Trouble(answers="never"),
    "create-cut": Trouble(answers="never", places=False),
    "create-busy-once": _refused(_BUSY, 1),
    "create-busy": _refused(_BUSY),
    "create-slow": Trouble(answers_after=5),
    "queued-long": Trouble(queues=60),
    "rings-for-ever": Trouble(rings_for_ever=True, loses=frozenset({"completed"})),
    "hang-up-failed": Trouble(refuses_update=Refusals(_FAILED, 1)),
    "hang-up-busy": Trouble(refuses_update=Refusals(_BUSY, 2)),
    "status-stale": Trouble(loses=EVENTS, lags=10),
    "leg-vanishes": Trouble(vanishes_after=5, loses=frozenset({"completed"})),
    "invite-lost": Trouble(invite_arrives=False),
    "time-limit": Trouble(ends_after=10),
    "number-invalid": _refused(_INVALID),
    "region-forbidden": _refused(FORBIDDEN),
    "number-blocked": _refused(_BLOCKED),
    "trial-unverified": _refused(UNVERIFIED),
}
"""Every fault of Twilio's by its name; its number and what is told about it are in `sandbox.faults`."""

NONE = Trouble()
