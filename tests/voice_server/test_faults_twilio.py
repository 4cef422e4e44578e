"""Whatever Twilio gets wrong, a call ends exactly once, in the books and on both networks."""

from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal, get_args

import pytest

from sandbox.app import Sandbox
from sandbox.faults import FAULTS
from sandbox.scripts import with_fault
from sandbox.twilio.legs import Leg
from sandbox.twilio.troubles import TROUBLES, Event
from services.voice_server import keys
from services.voice_server.domain import signals as s
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer, Start
from tests.voice_server.serving import until

SAID_GOODBYE = ("completed", "assistant_hung_up")
DELETED = ("completed", "hung_up_by_request")


@dataclass(frozen=True)
class Outcome:
    """What has to become of `POST /call` under a fault.

    Attributes:
        answer: the status of the answer.
        posts: how often Twilio was asked to place the call.
        end: status and reason in `call_ended`; None when there is no call.
        told: how many status callbacks arrive.
        then: what has to happen for it to end: somebody ends it, before or after the person has picked up, or
            the patience of the call is over.
    """

    answer: int = 202
    posts: int = 1
    end: tuple[str, str] | None = SAID_GOODBYE
    told: int = 4
    then: Literal["nothing", "cancel", "hang up", "patience"] = "nothing"


OUTCOMES = {
    "callbacks-doubled": Outcome(told=8),
    "callbacks-doubled-anew": Outcome(told=8),
    "callbacks-reordered": Outcome(),
    "callbacks-middle-lost": Outcome(told=2),
    "callbacks-lost": Outcome(told=0),
    "callbacks-slow": Outcome(),
    "callbacks-answer-lost": Outcome(told=8),
    "callbacks-unknown-status": Outcome(),
    "twiml-fetched-twice": Outcome(),
    "create-failed-but-placed": Outcome(502),
    "create-failed": Outcome(502, end=None, told=0, then="patience"),
    "create-late-but-placed": Outcome(502),
    "create-cut-but-placed": Outcome(502),
    "create-cut": Outcome(502, end=None, told=0, then="patience"),
    "create-busy-once": Outcome(posts=2),
    "create-busy": Outcome(503, posts=3, end=None, told=0),
    "create-slow": Outcome(),
    "queued-long": Outcome(end=("canceled", "hung_up_by_request"), told=0, then="cancel"),
    "rings-for-ever": Outcome(end=("canceled", "not_reached"), told=2, then="patience"),
    "hang-up-failed": Outcome(end=DELETED, then="hang up"),
    "hang-up-busy": Outcome(end=DELETED, then="hang up"),
    "status-stale": Outcome(end=("no-answer", "not_reached"), told=0),
    "leg-vanishes": Outcome(end=("completed", "caller_hung_up"), told=3),
    "invite-lost": Outcome(end=("completed", "caller_hung_up")),
    "time-limit": Outcome(end=("completed", "caller_hung_up")),
    "number-invalid": Outcome(422, end=None, told=0),
    "region-forbidden": Outcome(403, end=None, told=0),
    "number-blocked": Outcome(403, end=None, told=0),
    "trial-unverified": Outcome(403, end=None, told=0),
}

AT_THE_NUMBER = [
    name
    for name in TROUBLES
    if name.startswith(("callbacks-", "twiml-")) or name in {"leg-vanishes", "invite-lost", "time-limit"}
]
"""The faults that somebody can meet who calls."""


@pytest.fixture
async def server(start: Start, sandbox: Sandbox) -> RunningServer:
    """Give a voice server that asks soon, and does not wait long for Twilio."""
    server = await start(RECONCILE_SECONDS="1")
    server.app[keys.SWITCHBOARD]._peers.twilio._client.http_client.timeout = 0.5
    sandbox.switches.late_answer_seconds = 1
    return server


def legs(sandbox: Sandbox) -> list[Leg]:
    """List the people's legs."""
    return [leg for leg in sandbox.twilio.legs.values() if leg.parent_sid is None]


def callbacks(sandbox: Sandbox) -> int:
    """Count the status callbacks."""
    return sum("/webhook" in one.url for one in sandbox.twilio.callbacks.posted)


async def books_closed(sandbox: Sandbox, server: RunningServer) -> None:
    """Wait until nothing goes on any more, on either side."""

    async def closed() -> bool:
        running = server.app[keys.SWITCHBOARD]._running
        return not running and all(call.is_over for call in sandbox.exchange.calls())

    await until(closed, within=10)
    assert (await server.ask("GET", "/calls"))[1] == {"active_calls": 0, "calls": []}


def check_story(bridge: RecordingBridge, call_id: str, end: tuple[str, str]) -> None:
    """Hold the events of a call against what they must always be."""
    events = bridge.of(call_id)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    types = bridge.types(call_id)
    assert (types[0], types.count("call_started"), types.count("call_ended")) == ("call_started", 1, 1)
    assert types.count("call_answered") <= 1
    (ended,) = [event["data"] for event in events if event["eventType"] == "call_ended"]
    assert (ended["status"], ended["endReason"]) == end


def grow_old(server: RunningServer) -> None:
    """Let the patience of every call be over."""
    for runner in server.app[keys.SWITCHBOARD]._running:
        record = runner._call.record
        runner._call.record = record.model_copy(update={"phase_since": record.phase_since - 90})
        runner.tell(s.TimePassed())


def test_every_fault_of_twilios_is_played() -> None:
    assert set(OUTCOMES) == set(TROUBLES)


@pytest.mark.parametrize("fault", OUTCOMES)
async def test_a_call_out_ends_once(
    server: RunningServer, sandbox: Sandbox, bridge: RecordingBridge, fault: str
) -> None:
    expected = OUTCOMES[fault]
    if fault == "queued-long":
        sandbox.world.clock.speed = 10
    status, body = await server.ask("POST", "/call", {"to": f"+141555501{FAULTS[fault].digits}"})
    assert status == expected.answer, body
    if expected.then == "hang up":
        await bridge.until("call_answered", body["call_id"])
    if expected.then in {"cancel", "hang up"}:
        assert (await server.ask("DELETE", f"/call/{body['call_id']}"))[0] == 200
    if expected.then == "patience":
        await sandbox.world.watch.until(lambda: callbacks(sandbox) == expected.told)
        grow_old(server)
    if expected.end:
        (leg,) = legs(sandbox)
        await bridge.until("call_ended", leg.sid, within=10)
        assert body.get("call_id", leg.sid) == leg.sid
    await books_closed(sandbox, server)
    await sandbox.world.watch.until(lambda: callbacks(sandbox) >= expected.told)
    await books_closed(sandbox, server)
    assert callbacks(sandbox) == expected.told
    created = [one for one in sandbox.twilio.received if one.path.endswith("/Calls.json")]
    assert [one.method for one in created] == ["POST"] * expected.posts
    await check_books(server, sandbox, bridge, expected.end)


async def check_books(
    server: RunningServer, sandbox: Sandbox, bridge: RecordingBridge, end: tuple[str, str] | None
) -> None:
    """Compare what became of the one call with the history and with what the bridge was told."""
    history = await server.history()
    if end is None:
        assert (legs(sandbox), bridge.events, history) == ([], [], [])
        return
    (leg,) = legs(sandbox)
    check_story(bridge, leg.sid, end)
    assert {event["callId"] for event in bridge.events} == {leg.sid}
    assert [(call["call_id"], call["status"]) for call in history] == [(leg.sid, end[0])]
    assert len(sandbox.openai.calls) <= 1


@pytest.mark.parametrize("fault", AT_THE_NUMBER)
async def test_a_call_to_the_number_ends_once(
    server: RunningServer, sandbox: Sandbox, bridge: RecordingBridge, fault: str
) -> None:
    call = sandbox.phone_in(OWNER, with_fault(fault), via="number")
    ended: Any = (await bridge.until("call_ended", call.id, within=10))["data"]
    await books_closed(sandbox, server)
    check_story(bridge, call.id, ("completed", ended["endReason"]))
    assert len(sandbox.openai.calls) <= 1


@pytest.mark.parametrize(
    ("switch", "value"),
    [("answered_callback", "after_twiml"), ("ringing_told", False), ("sip_call_sid", "parent")],
)
async def test_what_nobody_knows_of_twilio_makes_no_difference_to_a_call_out(
    server: RunningServer, sandbox: Sandbox, bridge: RecordingBridge, switch: str, value: Any
) -> None:
    setattr(sandbox.switches, switch, value)
    call_id = await server.dial("+14155550123")
    await bridge.until("call_ended", call_id)
    await books_closed(sandbox, server)
    check_story(bridge, call_id, SAID_GOODBYE)


@pytest.mark.parametrize("told", ["completed", "all"])
async def test_what_a_number_tells_makes_no_difference_to_a_call_in(
    server: RunningServer, sandbox: Sandbox, bridge: RecordingBridge, told: Any
) -> None:
    sandbox.switches.inbound_callbacks = told
    call = sandbox.phone_in(OWNER, via="number")
    await bridge.until("call_ended", call.id)
    await books_closed(sandbox, server)
    check_story(bridge, call.id, SAID_GOODBYE)


@pytest.mark.parametrize("written", ["anonymous", "+266696687", "+7378742833", "Restricted", ""])
async def test_a_withheld_number_is_anonymous_however_twilio_writes_it(
    start: Start, sandbox: Sandbox, bridge: RecordingBridge, written: Any
) -> None:
    sandbox.switches.withheld_from = written
    server = await start(ALLOWED_CALLERS="*")
    call = sandbox.phone_in("anonymous", "greeting", via="number")
    await bridge.until("call_ended", call.id)
    await books_closed(sandbox, server)
    assert {event["phoneNumber"] for event in bridge.of(call.id)} == {"anonymous"}


async def test_callbacks_in_whatever_order_end_in_the_same_books(
    server: RunningServer, sandbox: Sandbox, bridge: RecordingBridge
) -> None:
    sandbox.world.clock.speed = 1000
    stories = set()
    for order in permutations(get_args(Event)):
        sandbox.switches.callback_order = order
        told = callbacks(sandbox)
        call_id = await server.dial("+14155550172")
        await bridge.until("call_ended", call_id)
        await sandbox.world.watch.until(lambda told=told: callbacks(sandbox) == told + 4)  # type: ignore[misc] # the lambda's default
        await books_closed(sandbox, server)
        check_story(bridge, call_id, SAID_GOODBYE)
        stories.add(tuple(kind for kind in bridge.types(call_id) if kind.startswith("call_")))
    assert stories == {("call_started", "call_answered", "call_ended")}
