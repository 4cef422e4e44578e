"""The books: pure checks of what was seen. Each yields what is wrong; nothing means that it is right."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dev.soak.evidence import Evidence, Heard, Played, ids
from dev.soak.expected import NOT_PLACED, PERHAPS_PLACED, expected_end, may_lose_words
from shared.events import CallStatus, Usage


@dataclass(frozen=True)
class Wrong:
    """One thing that is not as it should be; `call_id` None if it is of no one call."""

    call_id: str | None
    what: str


Book = Callable[[Evidence], Iterator[Wrong]]


def placed(evidence: Evidence) -> Iterator[Wrong]:
    """Every call was placed or refused as planned, and nobody knows a call that was not played."""
    for one in evidence.played:
        wanted = NOT_PLACED.get(one.plan.fault or "", {202})
        if (
            one.plan.way == "outbound"
            and one.status not in wanted
            and not (evidence.killed and not one.status)
        ):
            yield Wrong(one.call_id, f"POST /call answered {one.status} instead of {sorted(wanted)}")
        if one.status == 202 and one.call_id not in evidence.history:
            yield Wrong(one.call_id, "was placed, but is not in the history")
    for call_id in evidence.history:
        if call_id not in evidence.at_the_sandbox:
            yield Wrong(call_id, "is in the history, but the sandbox has never heard of it")
    for call in evidence.sandbox:
        accepted = call["openai"] and call["openai"]["accepted"]
        if not ids(call) & evidence.history.keys() and (accepted or not evidence.killed):
            yield Wrong(call["id"], "was at the sandbox, but is not in the history")


def ends(evidence: Evidence) -> Iterator[Wrong]:
    """Every call ended once, and everybody says the same about it."""
    late = {one.call_id for one in evidence.played if one.gave_up}
    deleted = {one.call_id: one for one in evidence.played if one.deleted}
    sessions = Counter(session["callId"] for session in evidence.sessions)
    for call_id, call in evidence.history.items():
        if call_id in late:
            yield Wrong(call_id, "had not ended and been written in the time a call may take")
        if not CallStatus(call["status"]).is_final or call["ended_at"] is None:
            yield Wrong(call_id, f"has not ended: {call['status']}")
        if call["status"] == "rejected" and call_id not in sessions:
            continue  # who is turned away is in the history, and nothing more is told of it
        yield from _end_heard(call_id, call, evidence.events.get(call_id, []))
        if sessions[call_id] != 1:
            yield Wrong(call_id, f"has {sessions[call_id]} sessions at the bridge")
        if call_id in deleted:
            yield from _as_deleted(deleted[call_id], call)
        plan = evidence.plan_of(call_id)
        wanted = plan and expected_end(plan)
        if wanted and not evidence.killed and (call["status"], call["end_reason"]) not in wanted:
            got = f"{call['status']}, {call['end_reason']}"
            yield Wrong(call_id, f"ended as {got} instead of {' or '.join(map(', '.join, sorted(wanted)))}")
    for call_id in (sessions.keys() | evidence.events.keys()) - evidence.history.keys():
        yield Wrong(call_id, "is known to the bridge, but not in the history")
    yield from _twice_in_history(evidence)


def _end_heard(call_id: str, call: Mapping[str, Any], events: list[Heard]) -> Iterator[Wrong]:
    kept = [event for event in events if event.type != "session_synced"]
    sequence = [event.data["sequence"] for event in kept]
    if sequence != list(range(1, len(kept) + 1)):
        yield Wrong(call_id, f"was heard with the sequence {sequence}")
    ended = [place for place, event in enumerate(kept) if event.type == "call_ended"]
    if len(ended) != 1:
        yield Wrong(call_id, f"said call_ended {len(ended)} times")
        return
    said = kept[ended[0]].data["data"]
    told = {"status": said["status"], "end_reason": said["endReason"], "cost_usd": said["costUsd"]}
    for name, value in told.items():
        if value != call[name]:
            yield Wrong(call_id, f"{name} is {call[name]} in the history, but call_ended said {value}")
    for event in kept[ended[0] + 1 :]:
        if event.type != "tool_finished":
            yield Wrong(call_id, f"said {event.type} after call_ended")
    if (synced := sum(event.type == "session_synced" for event in events)) != 1:
        yield Wrong(call_id, f"said session_synced {synced} times")


def _twice_in_history(evidence: Evidence) -> Iterator[Wrong]:
    """No call of ours is in the history as a rejected caller as well."""
    for call_id, call in evidence.history.items():
        others = ids(evidence.at_the_sandbox.get(call_id, {})) - {call_id}
        if call["status"] == "rejected" and others & evidence.history.keys():
            yield Wrong(call_id, "is in the history twice, once as rejected")


def _as_deleted(one: Played, call: Mapping[str, Any]) -> Iterator[Wrong]:
    canceled = call["status"] == "canceled"
    if (one.deleted == "canceled") is not canceled:
        yield Wrong(one.call_id, f"DELETE answered {one.deleted}, and the history says {call['status']}")


def quiet(evidence: Evidence) -> Iterator[Wrong]:
    """Nothing goes on any more: no call, no leg, no sideband, nothing to be delivered or written."""
    for call in evidence.active.get("calls", ()):
        yield Wrong(call["call_id"], f"is active: {call['status']}")
    for call in evidence.sandbox:
        alive = [leg["sid"] for leg in call["legs"] if not CallStatus(leg["statuses"][-1]).is_final]
        if alive or not call["over"]:
            yield Wrong(call["id"], f"goes on at the sandbox, with the legs {alive}")
        if call["openai"] and call["openai"]["sidebands"]:
            yield Wrong(call["id"], f"has {call['openai']['sidebands']} sidebands open")
    for session in evidence.sessions:
        if session["state"] != "synced":
            what = f"is {session['state']} at the bridge: {session['lastError']}"
            yield Wrong(session["callId"], what)
    for call_id, call in evidence.history.items():
        if call["transcript_state"] != "delivered":
            yield Wrong(call_id, f"has its transcript {call['transcript_state']}")


def gauges(evidence: Evidence) -> Iterator[Wrong]:
    """The services measure that nothing is left."""
    # Of a call that Twilio may have placed news is awaited for as long as it could ring.
    awaited = sum(one.plan.fault in PERHAPS_PLACED for one in evidence.played)
    for name, value in evidence.gauges.items():
        if not 0 <= value <= (awaited if name == "openclaw_phone_active_calls" else 0):
            yield Wrong(None, f"{name} is {value:g}")


def sockets(evidence: Evidence) -> Iterator[Wrong]:
    """No socket is left open."""
    for program, (before, after) in evidence.sockets.items():
        for what, number in (after - before).items():
            yield Wrong(None, f"the {program} has {number} more sockets open than at first: {what}")


def usage(evidence: Evidence) -> Iterator[Wrong]:
    """What each call consumed is what the sandbox told of it."""
    for call_id, call in evidence.history.items():
        plan = evidence.plan_of(call_id)
        openai = evidence.at_the_sandbox.get(call_id, {}).get("openai")
        if evidence.killed or (plan and may_lose_words(plan)):
            continue
        told = Usage(**openai["usage_told"]) if openai else Usage()
        if Usage(**call["usage"]) != told:
            yield Wrong(call_id, f"used {_shown(Usage(**call['usage']))}, the sandbox told {_shown(told)}")


def _shown(used: Usage) -> str:
    return ", ".join(f"{name} {value}" for name, value in used.model_dump().items() if value) or "nothing"
