"""What a plan leads to: how its call may end, and what its fault may cost."""

from dev.soak.plan import Plan

NOT_PLACED: dict[str, set[int]] = {
    "create-failed-but-placed": {502},
    "create-failed": {502},
    "create-late-but-placed": {202, 502},
    "create-cut-but-placed": {502},
    "create-cut": {502},
    "create-busy": {429, 502, 503},
    "number-invalid": {422},
    "region-forbidden": {403},
    "number-blocked": {403},
    "trial-unverified": {403},
}
"""How `POST /call` answers where the fault keeps the call from being placed, or us from knowing."""

PERHAPS_PLACED = frozenset({"create-failed", "create-cut"})
"""Faults after which nothing is placed, and we cannot know it."""

_END: dict[str, set[tuple[str, str]]] = {
    "greeting": {("completed", "caller_hung_up")},
    "barge-in": {("completed", "caller_hung_up")},
    "mid-sentence": {("completed", "caller_hung_up")},
    "busy": {("busy", "not_reached")},
    "no-answer": {("no-answer", "not_reached")},
    "endless": {("completed", "max_duration")},
    "silent": {("completed", "silence")},
    "keys": {("completed", "caller_hung_up")},
    "gone-meanwhile": {("completed", "caller_hung_up")},
}
_ELSE = {("completed", "assistant_hung_up")}

_LOSING = ("sideband-", "session-", "done-", "transcript-", "usage-", "hangup-")
"""How the names of OpenAI's faults begin that keep words or tokens from us."""

HARMLESS = frozenset(
    {
        "callbacks-doubled",
        "callbacks-doubled-anew",
        "callbacks-reordered",
        "callbacks-middle-lost",
        "callbacks-lost",
        "callbacks-slow",
        "callbacks-answer-lost",
        "callbacks-unknown-status",
        "twiml-fetched-twice",
        "webhook-doubled",
        "webhook-doubled-anew",
        "webhook-of-live-too",
        "accept-slow",
        "accept-failed",
        "accept-failed-but-taken",
        "accept-busy",
        "done-doubled",
        "events-unknown",
        "fields-unknown",
        "names-former",
        "frames-malformed",
        "frames-binary",
        "frame-huge",
        "sideband-late",
        "usage-bare",
        "hangup-slow",
        "create-busy-once",
        "create-slow",
    }
)
"""Faults that must change nothing: the call goes and ends as if they were not there."""


def expected_end(plan: Plan) -> set[tuple[str, str]] | None:
    """Give the statuses and reasons a call may end with; None where that hangs on the moment."""
    if plan.ending or (plan.fault and plan.fault not in HARMLESS):
        return None
    return _END.get(plan.script, _ELSE)


def may_lose_words(plan: Plan) -> bool:
    """Tell whether its fault may keep words or tokens from us: OpenAI repeats nothing."""
    return plan.fault is not None and plan.fault.startswith(_LOSING)
