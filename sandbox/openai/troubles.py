"""What each of OpenAI's faults changes, as data: announcing, call control and the sideband look it up."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.openai import spoiling
from sandbox.openai.spoiling import Spoiler, unspoiled

MID_CALL = -1
"""In place of a frame: the one that the switch `mid_call` names."""


@dataclass(frozen=True)
class Refusals:
    """How a request is answered at first, and how often; `taken`: it is carried out for all that."""

    status: int
    times: float = 1
    taken: bool = False


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one call; by default nothing. Frames are counted from the first one emitted.

    Attributes:
        webhook_ids: the ids of the deliveries of its webhook, by number.
        gives_up_first: the caller is gone before the webhook goes out.
        also_live: the Live API's webhooks for the same call go out, too.
        refuses: how requests about it are answered at first.
        delays: how long an answer takes, in the sandbox's seconds.
        misses: how often the sideband is not found before it can be attached.
        breaks_at: the frames at which the sideband ends, with the close code `breaks_with`; the call goes on.
        falls_silent_at: the frame from which the socket carries nothing more, not even its end.
        expires_at: the frame at which OpenAI ends the call at its own time limit.
        speaks_first: the model begins to speak before it is asked to.
        spoiler: makes what happens to its frames; one for each call, since some remember.
        tool_name: what the model calls the tool it asks.
        tool_arguments: what the model writes as arguments.
        tool_calls: how many calls it makes at once.
    """

    webhook_ids: tuple[int, ...] = (0,)
    gives_up_first: bool = False
    also_live: bool = False
    refuses: Mapping[str, Refusals] = field(default_factory=dict)
    delays: Mapping[str, float] = field(default_factory=dict)
    misses: float = 0
    breaks_at: frozenset[int] = frozenset()
    breaks_with: int = 1006
    falls_silent_at: float = math.inf
    expires_at: float = math.inf
    speaks_first: bool = False
    spoiler: Callable[[], Spoiler] = lambda: unspoiled
    tool_name: str | None = None
    tool_arguments: str | None = None
    tool_calls: int = 1


_TOOL_CALL = 45  # of the owner's talk: the model is just writing the arguments


def _spoiled(spoiler: Spoiler) -> Trouble:
    return Trouble(spoiler=lambda: spoiler)


TROUBLES: dict[str, Trouble] = {
    "sideband-drops": Trouble(breaks_at=frozenset({MID_CALL})),
    "sideband-keeps-dropping": Trouble(breaks_at=frozenset(range(20, 5000, 12))),
    "sideband-restarted": Trouble(breaks_at=frozenset({MID_CALL}), breaks_with=1001),
    "sideband-failed": Trouble(breaks_at=frozenset({MID_CALL}), breaks_with=1011),
    "sideband-falls-silent": Trouble(falls_silent_at=MID_CALL),
    "sideband-drops-tool-call": Trouble(breaks_at=frozenset({_TOOL_CALL})),
    "sideband-late": Trouble(misses=3),
    "sideband-never": Trouble(misses=math.inf),
    "session-expired": Trouble(expires_at=MID_CALL),
    "webhook-doubled": Trouble(webhook_ids=(0, 0)),
    "webhook-doubled-anew": Trouble(webhook_ids=(0, 1)),
    "webhook-after-hang-up": Trouble(gives_up_first=True),
    "webhook-of-live-too": Trouble(also_live=True),
    "accept-slow": Trouble(delays={"accept": 3}),
    "accept-failed": Trouble(refuses={"accept": Refusals(500)}),
    "accept-failed-but-taken": Trouble(refuses={"accept": Refusals(500, taken=True)}),
    "accept-busy": Trouble(refuses={"accept": Refusals(429)}),
    "accept-refused": Trouble(refuses={"accept": Refusals(400, math.inf)}),
    "reject-failed": Trouble(refuses={"reject": Refusals(500)}),
    "hangup-failed": Trouble(refuses={"hangup": Refusals(500, 3)}),
    "hangup-slow": Trouble(delays={"hangup": 3}),
    "done-doubled": _spoiled(spoiling.repeated("response.done")),
    "done-missing": _spoiled(spoiling.missing("response.done")),
    "done-late": Trouble(spoiler=lambda: spoiling.held_back(spoiling.is_cancelled_done, "response.created")),
    "events-unknown": _spoiled(spoiling.with_junk(spoiling.strangers, "response.created")),
    "fields-unknown": _spoiled(spoiling.with_new_fields),
    "names-former": _spoiled(spoiling.beta),
    "frames-malformed": _spoiled(spoiling.with_junk(spoiling.garbage, "response.created")),
    "frames-binary": _spoiled(spoiling.with_junk(spoiling.binary, "response.created")),
    "frame-huge": Trouble(spoiler=lambda: spoiling.with_junk(spoiling.huge, "response.created", once=True)),
    "transcript-never": _spoiled(spoiling.NO_TRANSCRIPT),
    "transcript-failed": _spoiled(spoiling.transcript_failed),
    "transcript-empty": _spoiled(spoiling.transcript_empty),
    "transcript-late": Trouble(spoiler=lambda: spoiling.held_back(spoiling.is_transcript, "response.done")),
    "usage-bare": _spoiled(spoiling.usage_bare),
    "arguments-broken": Trouble(tool_arguments='{"request": "What is on the cal'),
    "function-unknown": Trouble(tool_name="open_door"),
    "functions-parallel": Trouble(tool_calls=3),
    "model-speaks-first": Trouble(speaks_first=True),
}
"""Every fault of OpenAI's by its name; its number and what is told about it are in `sandbox.faults`."""

NONE = Trouble()
