"""What was seen of a run, by everybody who saw it; the books compare."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dev.soak.plan import Plan


@dataclass
class Played:
    """What became of a plan.

    Attributes:
        call_id: as the services name it; None if they did not say.
        status: of the answer to `POST /call`; 0 if there was none.
        deleted: what `DELETE /call/{id}` said it had come to.
        gave_up: it did not come to its end in the time a call may take.
    """

    plan: Plan
    call_id: str | None = None
    status: int = 0
    deleted: str | None = None
    gave_up: bool = False


@dataclass(frozen=True)
class Heard:
    """One frame of the live stream."""

    number: int
    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class LogLine:
    """One line that a process has printed; `fields` is empty unless it is JSON."""

    program: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """All that was seen.

    Attributes:
        history: each call's details, with its `transcript`, by its id.
        heard: the live stream of the bridge, from the first event to the last.
        sandbox: the sandbox's own calls.
        sessions: the bridge's.
        written: the lines of each OpenClaw transcript file.
        active: `GET /calls`.
        gauges: what `/metrics` of the services tells of what is not over.
        sockets: open sockets of each service by what they are, before the first call and after the last.
        logs: what all processes have printed.
        killed: which services were killed meanwhile, one after the other.
    """

    played: list[Played]
    history: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    sandbox: list[Mapping[str, Any]] = field(default_factory=list)
    sessions: list[Mapping[str, Any]] = field(default_factory=list)
    written: Mapping[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    active: Mapping[str, Any] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)
    sockets: Mapping[str, tuple[Counter[str], Counter[str]]] = field(default_factory=dict)
    logs: list[LogLine] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)

    @cached_property
    def plans(self) -> dict[str, Plan]:
        """What was planned for each call whose id is known."""
        return {one.call_id: one.plan for one in self.played if one.call_id}

    @cached_property
    def events(self) -> dict[str, list[Heard]]:
        """What was heard of each call."""
        by_call: dict[str, list[Heard]] = defaultdict(list)
        for frame in self.heard:
            by_call[frame.data["callId"]].append(frame)
        return by_call

    @cached_property
    def at_the_sandbox(self) -> dict[str, Mapping[str, Any]]:
        """The sandbox's calls by each of their ids."""
        return {call_id: call for call in self.sandbox for call_id in ids(call)}

    def plan_of(self, call_id: str) -> Plan | None:
        """Find what was planned for a call, by any of its ids."""
        if plan := self.plans.get(call_id):
            return plan
        known = ids(self.at_the_sandbox.get(call_id, {}))
        return next((self.plans[one] for one in known if one in self.plans), None)


def ids(call: Mapping[str, Any]) -> set[str]:
    """Collect every id that means one of the sandbox's calls."""
    openai = call.get("openai")
    legs = {leg["sid"] for leg in call.get("legs", ())}
    return legs | ({openai["call_id"]} if openai else set())
