"""The book of the logs: every warning is a planned one, and there is no error."""

import json
from collections.abc import Iterator, Mapping

from dev.soak.books import Wrong
from dev.soak.evidence import Evidence, LogLine
from dev.soak.plan import ENDED_BY_OTHERS, Plan

HUNG_UP = "somebody hung up"
"""Explains what happens when a call ends at a moment that suits nobody."""

KILLED = "a service was killed"

_REFUSED = (
    *("create-failed", "create-failed-but-placed", "create-busy"),
    *("number-invalid", "region-forbidden", "number-blocked", "trial-unverified"),
)
_CUT_SHORT = ("time-limit", "leg-vanishes")

_UNTAKEN = ("accept-refused", "accept-failed-but-taken", "webhook-after-hang-up")
_BROKEN = (
    *("sideband-drops", "sideband-drops-tool-call", "sideband-keeps-dropping"),
    *("sideband-restarted", "sideband-failed", "sideband-falls-silent", "session-expired"),
)

PLANNED: Mapping[str, frozenset[str]] = {
    "call_not_accepted": frozenset({HUNG_UP, KILLED, *_CUT_SHORT, *_UNTAKEN}),
    "sideband_send_failed": frozenset({HUNG_UP, KILLED, *_BROKEN, *_CUT_SHORT}),
    "sideband_event_malformed": frozenset({"frames-malformed", "frames-binary"}),
    "sideband_gave_no_sign_of_life": frozenset({"sideband-falls-silent"}),
    "sideband_keeps_breaking": frozenset({"sideband-keeps-dropping"}),
    "twilio_refused": frozenset(_REFUSED),
    "leg_not_hung_up": frozenset({"hang-up-failed", "hang-up-busy", "hangup-failed"}),
    "openclaw_failed": frozenset({"empty-answer", "broken-answer", KILLED}),
    "late_answer_not_sent": frozenset({HUNG_UP, KILLED, *_CUT_SHORT}),
    "event_not_delivered": frozenset({KILLED}),
    "stale_lock_removed": frozenset({KILLED}),
}
"""Which warnings may be seen, and what explains each: a fault or script by name, or one of the above."""


def read(program: str, text: str) -> list[LogLine]:
    """Read what a program has printed."""
    return [LogLine(program, line, _fields(line)) for line in text.splitlines() if line.strip()]


def logs(evidence: Evidence) -> Iterator[Wrong]:
    """No process has printed an error, a traceback, or a warning that nothing explains."""
    played = [one.plan for one in evidence.played]
    for line in evidence.logs:
        call_id = line.fields.get("call_id")
        level = line.fields.get("level")
        if not line.fields or "exception" in line.fields or level in {"error", "critical"}:
            yield Wrong(call_id, f"{line.program}: {line.text}")
        elif level == "warning":
            about = evidence.plan_of(call_id) if call_id else None
            plans = [about] if about else played
            event = str(line.fields.get("event"))
            if not PLANNED.get(event, frozenset()) & _reasons(plans, killed=bool(evidence.killed)):
                yield Wrong(call_id, f"{line.program}: nothing explains {line.text}")


def _reasons(plans: list[Plan], *, killed: bool) -> set[str]:
    reasons = {KILLED} if killed else set()
    for plan in plans:
        reasons |= {plan.script} | ({plan.fault} if plan.fault else set())
        reasons |= {HUNG_UP} if plan.ending or plan.script in ENDED_BY_OTHERS else set()
    return reasons


def _fields(line: str) -> Mapping[str, object]:
    try:
        read = json.loads(line)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
