"""Whatever OpenAI gets wrong, a call ends exactly once, and each turn is told once and in order."""

from dataclasses import dataclass

import pytest

from sandbox.app import Sandbox
from sandbox.faults import FAULTS
from sandbox.openai.call import EndCause, RealtimeCall
from sandbox.openai.troubles import TROUBLES, Trouble
from sandbox.scripts import with_fault
from services.voice_server import keys
from shared.events import TranscriptUpdate, Usage
from shared.transcript import Turn, in_order
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, STRANGER, RunningServer, Start
from tests.voice_server.serving import until

SAID_GOODBYE = ("completed", "assistant_hung_up")
CALLER_LEFT = ("completed", "caller_hung_up")
NOT_CONNECTED = ("failed", "connection_failed")
DELETED = ("completed", "hung_up_by_request")
QUESTION = "What's on my calendar today?"


@dataclass(frozen=True)
class Outcome:
    """What has to become of a call under a fault.

    Attributes:
        end: status and reason in `call_ended`.
        hears: whether the caller's question is in the transcript.
        counts: whether every token is told to us.
        deleted: it goes on until somebody ends it.
    """

    end: tuple[str, str] = SAID_GOODBYE
    hears: bool = True
    counts: bool = True
    deleted: bool = False


GAP = Outcome(counts=False)
ENDLESS = Outcome(DELETED, hears=False, counts=False, deleted=True)
OUTCOMES = {name: Outcome() for name in TROUBLES} | {
    "sideband-drops": GAP,
    "sideband-keeps-dropping": Outcome(("completed", "connection_failed"), hears=False, counts=False),
    "sideband-drops-tool-call": GAP,
    "sideband-restarted": GAP,
    "sideband-failed": GAP,
    "sideband-falls-silent": ENDLESS,
    "sideband-never": Outcome(NOT_CONNECTED, hears=False),
    "session-expired": Outcome(("completed", "max_duration"), hears=False, counts=False),
    "webhook-after-hang-up": Outcome(NOT_CONNECTED, hears=False),
    "accept-refused": Outcome(NOT_CONNECTED, hears=False),
    "hangup-failed": ENDLESS,
    "hangup-slow": ENDLESS,
    "done-missing": Outcome(CALLER_LEFT, hears=False, counts=False),
    "done-late": Outcome(CALLER_LEFT, hears=False, counts=False),
    "transcript-never": Outcome(hears=False, counts=False),
    "transcript-failed": Outcome(hears=False, counts=False),
    "transcript-empty": Outcome(hears=False),
    "transcript-late": Outcome(counts=False),
    "usage-bare": Outcome(counts=False),
}
OF_CALLERS_TAKEN = sorted(set(TROUBLES) - {"reject-failed"})


def test_every_fault_of_openai_has_its_outcome() -> None:
    named = {name for name, fault in FAULTS.items() if fault.peer == "openai"}
    assert named - {"caller-never-heard"} == set(TROUBLES) == set(OUTCOMES)


def check_events(bridge: RecordingBridge, call_id: str, call: RealtimeCall) -> None:
    """Check what holds for every call, whatever goes wrong in it."""
    events = bridge.of(call_id)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert bridge.types(call_id).count("call_started") == 1
    assert bridge.types(call_id).count("call_ended") == 1
    assert bridge.types(call_id).count("tool_started") == bridge.types(call_id).count("tool_finished")
    updates = [event for event in events if event["eventType"] == "transcript_update"]
    told = [Turn.of(TranscriptUpdate.model_validate(update)) for update in updates]
    assert len(told) == len({turn.item_id for turn in told})
    spoken = [item.id for item in call.conversation.items]
    have = [turn.item_id for turn in in_order(told)]
    known = [item_id for item_id in have if item_id in spoken]
    # What the caller was just saying at the end is no item of the conversation yet.
    assert have[: len(known)] == known
    assert len(have) <= len(known) + 1
    if call.missed <= 2 + call.trouble.misses:  # gap upon gap, too much of what tells the places is lost
        assert known == sorted(known, key=spoken.index)


async def started(sandbox: Sandbox, name: str, script: str | None = None) -> RealtimeCall:
    """Let the owner phone in."""
    call = sandbox.phone_in(OWNER, with_fault(name, script)).realtime
    assert call
    return call


@pytest.mark.parametrize("name", OF_CALLERS_TAKEN)
async def test_a_call_survives_or_ends_once_under(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox, name: str
) -> None:
    server = await start(RECONCILE_SECONDS="1")
    server.app[keys.PEERS].realtime._attach_seconds = 1
    outcome, call = OUTCOMES[name], await started(sandbox, name)
    if outcome.deleted:
        await until(lambda: heard(bridge, call.call_id))
        await server.ask("DELETE", f"/call/{call.call_id}")
    ended = (await bridge.until("call_ended", call.call_id, within=20))["data"]
    assert (ended["status"], ended["endReason"]) == outcome.end
    await until(lambda: settled(server, call), within=10)
    check_events(bridge, call.call_id, call)
    said = [words for speaker, words, _ in bridge.turns(call.call_id) if speaker == "user"]
    assert not outcome.hears or said[:1] == [QUESTION]
    assert not outcome.counts or Usage(**ended["usage"]) == call.ledger.told


async def heard(bridge: RecordingBridge, call_id: str) -> bool:
    """Tell whether something has been said in a call."""
    return bool(bridge.turns(call_id))


async def settled(server: RunningServer, call: RealtimeCall) -> bool:
    """Tell whether nothing of a call is left, here or there."""
    return server.app[keys.SWITCHBOARD].find(call.call_id) is None and call.over.is_set()


async def idle(server: RunningServer) -> bool:
    """Tell whether no call is left."""
    return not server.app[keys.SWITCHBOARD].active


async def test_a_rejection_that_fails_is_made_again(server: RunningServer, sandbox: Sandbox) -> None:
    call = sandbox.phone_in(STRANGER, with_fault("reject-failed")).realtime
    assert call
    await sandbox.call_over(call.call_id)
    assert (call.cause, call.sip_status) == (EndCause.REJECTED, 603)
    assert server.app[keys.SWITCHBOARD].active == []


async def test_a_sideband_that_falls_silent_is_found_out_and_attached_anew(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start(RECONCILE_SECONDS="1")
    server.app[keys.PEERS].realtime._sign_of_life_seconds = 0.2
    call = await started(sandbox, "sideband-falls-silent")
    await sandbox.world.watch.until(lambda: call.missed == 2)
    said = len(bridge.turns(call.call_id))
    await bridge.watch.until(lambda: len(bridge.turns(call.call_id)) > said)
    await server.ask("DELETE", f"/call/{call.call_id}")
    await bridge.until("call_ended", call.call_id)
    check_events(bridge, call.call_id, call)


async def test_a_caller_who_is_never_heard_is_hung_up(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    await start(SILENCE_SECONDS="1")
    call = await started(sandbox, "caller-never-heard")
    assert (await bridge.until("call_ended", call.call_id))["data"]["endReason"] == "silence"
    await sandbox.call_over(call.call_id)


async def test_wherever_a_sideband_breaks_off_the_call_goes_on_and_ends_once(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start(MAX_CONCURRENT_CALLS="50", MAX_CALLS_PER_HOUR="100")
    sandbox.world.clock.speed = 40  # a voice that is talked over must not be over before
    calls = []
    for frame in range(1, 120, 5):
        call = await started(sandbox, "sideband-drops", "talk" if frame % 2 else "barge-in")
        call.trouble = Trouble(breaks_at=frozenset({frame}), breaks_with=1001 if frame % 4 else 1006)
        calls.append(call)
    for call in calls:
        ended = (await bridge.until("call_ended", call.call_id, within=30))["data"]
        assert ended["status"] == "completed"
        await sandbox.call_over(call.call_id)
        check_events(bridge, call.call_id, call)
    await until(lambda: idle(server))
    assert sum(call.missed == 2 for call in calls) > len(calls) * 0.9  # a short talk may end before


async def test_all_of_them_at_once_by_number_leave_each_other_alone(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    numbers = {"+141555501" + fault.digits: name for name, fault in FAULTS.items() if fault.peer == "openai"}
    server = await start(
        MAX_CONCURRENT_CALLS="50",
        OUTBOUND_NUMBERS=",".join(numbers),
        RECONCILE_SECONDS="1",
        SILENCE_SECONDS="2",
    )
    server.app[keys.PEERS].realtime._attach_seconds = 1
    sandbox.world.clock.speed = 50
    calls = {name: await server.dial(number) for number, name in numbers.items()}
    for name in ("hangup-failed", "hangup-slow"):
        await bridge.until("transcript_update", calls[name])
        await server.ask("DELETE", f"/call/{calls[name]}")
    for name, call_id in calls.items():
        await bridge.until("call_ended", call_id, within=30)
        realtime = (await sandbox.call_over(call_id)).realtime
        assert realtime
        check_events(bridge, call_id, realtime)
        assert realtime.invite.script.fault == name
    await until(lambda: idle(server))
