import pytest

from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import CALL, NUMBER, call, kept, partial
from tests.session_bridge.openclaw import Home

VOICE = f"agent:main:voice:direct:{NUMBER}"


async def test_an_event_posted_twice_is_kept_once(bridge: Bridge) -> None:
    first = call()[0]
    assert await bridge.post("/call-event", first) == (200, {"status": "accepted", "sessionKey": VOICE})
    assert await bridge.post("/call-event", first) == (200, {"status": "duplicate", "sessionKey": VOICE})


async def test_events_are_taken_however_many_come_while_others_may_ask_so_often(start: Start) -> None:
    bridge = await start(requests_per_minute=3)
    await bridge.tell(call(*["user: hi"] * 20))
    async with bridge.events("/events?lastEventId=0") as frames:  # a stream counts once, however long it is
        for _ in range(10):
            await anext(frames)
    statuses = [(await bridge.get("/sessions"))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_a_gap_is_refused_with_the_sequence_that_is_expected(bridge: Bridge) -> None:
    first, second, *_ = call("user: hi")
    status, problem = await bridge.post("/call-event", second)
    assert (status, problem["expectedSequence"], problem["title"]) == (409, 1, "Out of sequence")
    await bridge.tell([first, second])
    status, problem = await bridge.post("/call-event", kept(CALL, 2, "call_answered", {}))
    assert (status, problem["expectedSequence"]) == (409, 3)


async def test_after_the_end_nothing_but_a_finished_tool_is_taken(bridge: Bridge) -> None:
    await bridge.tell(call("user: hi"))
    status, problem = await bridge.post("/call-event", kept(CALL, 4, "call_answered", {}))
    assert (status, problem["title"]) == (409, "Call has ended")
    tool = {"toolCallId": "t", "name": "n", "ok": True, "output": "", "durationSeconds": 1}
    await bridge.tell([kept(CALL, 4, "tool_finished", tool)])


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ([], "body: must be an object"),
        ({}, "body: eventType is missing"),
        ({"eventType": "call_lost"}, "body: eventType must be one of 'call_started', 'call_answered'"),
        ({"eventType": "call_started"}, "call_started.eventId: is missing; call_started.callId: is missing"),
        (call()[0] | {"sequence": 0}, "call_started.sequence: must be greater than 0"),
        (call()[0] | {"sequence": "1"}, "call_started.sequence: must be a valid integer"),
        (call()[0] | {"event_id": "1"}, "call_started.event_id: is not known here, leave it out"),
        (call()[0] | {"phoneNumber": "+1٤٤٤٤٤٤٤"}, "call_started.phoneNumber: must match pattern"),
    ],
)
async def test_an_event_of_another_form_is_refused_by_what_to_change(
    bridge: Bridge, body: object, fault: str
) -> None:
    status, problem = await bridge.post("/call-event", body)
    assert (status, problem["title"]) == (422, "Invalid request")
    assert problem["detail"].startswith(fault)


async def test_a_whole_number_may_be_written_with_a_fraction_of_zero(bridge: Bridge) -> None:
    # JSON knows one kind of numbers, and so does its schema.
    assert (await bridge.post("/call-event", call()[0] | {"sequence": 1.0}))[0] == 200
    assert (await bridge.post("/call-event", call()[1] | {"sequence": 2.5}))[0] == 422


async def test_a_partial_is_answered_and_not_kept(bridge: Bridge) -> None:
    answer = {"status": "accepted", "sessionKey": None}
    assert await bridge.post("/call-event", partial("user: he")) == (200, answer)
    assert await bridge.sessions() == []


async def test_the_key_is_decided_by_the_first_event_and_stays(start: Start, home: Home) -> None:
    bridge = await start(owner_numbers=frozenset({NUMBER}))
    first, second, *_ = call("user: hi")
    assert (await bridge.post("/call-event", first))[1]["sessionKey"] == "agent:main:main"
    home.configure(session={"dmScope": "per-peer"})
    assert (await bridge.post("/call-event", second))[1]["sessionKey"] == "agent:main:main"


async def test_an_unreadable_configuration_delays_the_key_but_not_the_event(start: Start, home: Home) -> None:
    bridge = await start(owner_numbers=frozenset({NUMBER}))
    (home.root / "openclaw.json").write_text("{broken", encoding="utf-8")
    first, *rest = call("user: hi", "assistant: hello")
    assert await bridge.post("/call-event", first) == (200, {"status": "accepted", "sessionKey": None})
    _, health = await bridge.get("/health")
    assert health["checks"]["openclaw"]["status"] == "failed"
    assert "openclaw.json" in health["checks"]["openclaw"]["detail"]
    await bridge.tell(rest)
    await bridge.until_all_are("failed")
    home.configure()
    (session,) = await bridge.until_all_are("synced")
    assert (session["sessionKey"], session["lastError"]) == ("agent:main:main", None)
    assert home.texts("agent:main:main") == ["user: hi", "assistant: hello"]
