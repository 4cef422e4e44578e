"""Each of Twilio's faults happens as its name and the table say."""

import asyncio
from typing import Any, get_args

import pytest
from aiohttp import ServerDisconnectedError

from sandbox.app import Sandbox
from sandbox.faults import FAULTS
from sandbox.twilio.legs import Leg
from sandbox.twilio.troubles import Event
from tests.sandbox.twilio_rest import Rest, form
from tests.sandbox.voice_server import VoiceServer

STORY = ["initiated", "ringing", "in-progress", "completed"]


def number(fault: str) -> str:
    """Give a number whose last digits choose a fault."""
    return f"+141555501{FAULTS[fault].digits}"


class Caller:
    """Create calls that meet a fault, and see what the service was told of them."""

    def __init__(self, sandbox: Sandbox, voice_server: VoiceServer, rest: Rest) -> None:
        self._sandbox = sandbox
        self._voice_server = voice_server
        self._rest = rest

    async def create(self, fault: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        return await self._rest.post("Calls.json", **form(self._voice_server, number(fault), **fields))

    async def leg(self, fault: str, **fields: Any) -> Leg:
        status, call = await self.create(fault, **fields)
        assert status == 201
        return self._sandbox.twilio.legs[call["sid"]]

    async def over(self, fault: str, **fields: Any) -> Leg:
        leg = await self.leg(fault, **fields)
        await self._sandbox.call_over(leg.sid)
        return leg

    async def told(self, times: int) -> list[str]:
        """Wait for so many callbacks; the statuses they bore."""
        await self._sandbox.world.watch.until(lambda: len(self.callbacks) >= times)
        return [form["CallStatus"] for form, _ in self.callbacks]

    @property
    def callbacks(self) -> list[tuple[dict[str, str], str]]:
        """The status callbacks that were posted, each with its idempotency token."""
        posted = self._sandbox.twilio.callbacks.posted
        return [(one.form, one.token) for one in posted if "/webhook" in one.url]


@pytest.fixture
def caller(sandbox: Sandbox, voice_server: VoiceServer, rest: Rest) -> Caller:
    return Caller(sandbox, voice_server, rest)


@pytest.mark.parametrize(("fault", "tokens"), [("callbacks-doubled", 4), ("callbacks-doubled-anew", 8)])
async def test_callbacks_come_twice(caller: Caller, fault: str, tokens: int) -> None:
    await caller.over(fault)
    assert await caller.told(8) == [status for status in STORY for _ in range(2)]
    assert len({token for _, token in caller.callbacks}) == tokens
    assert [form["SequenceNumber"] for form, _ in caller.callbacks] == list("00112233")


@pytest.mark.parametrize("last", get_args(Event))
async def test_callbacks_come_in_the_order_of_the_switch(
    caller: Caller, sandbox: Sandbox, last: Event
) -> None:
    first = [event for event in reversed(get_args(Event)) if event != last]
    sandbox.switches.callback_order = (*first, last)
    await caller.over("callbacks-reordered")
    by_event = dict(zip(get_args(Event), STORY, strict=True))
    assert await caller.told(4) == [by_event[event] for event in sandbox.switches.callback_order]


async def test_the_callbacks_in_the_middle_are_lost(caller: Caller) -> None:
    await caller.over("callbacks-middle-lost")
    assert await caller.told(2) == ["initiated", "completed"]
    assert [form["SequenceNumber"] for form, _ in caller.callbacks] == ["0", "3"]


async def test_all_callbacks_are_lost(caller: Caller, sandbox: Sandbox) -> None:
    lost = await caller.over("callbacks-lost")
    assert [str(status) for status in lost.statuses] == ["queued", "ringing", "in-progress", "completed"]
    other = sandbox.phone_in(script="greeting", via="number")
    await caller.told(1)
    assert [form["CallSid"] for form, _ in caller.callbacks] == [other.id]


async def test_callbacks_are_slow(caller: Caller) -> None:
    await caller.over("callbacks-slow")
    assert len(caller.callbacks) < 4
    assert await caller.told(4) == STORY


async def test_a_callback_whose_answer_was_lost_comes_again_if_that_was_asked_for(
    caller: Caller, voice_server: VoiceServer
) -> None:
    await caller.over("callbacks-answer-lost", StatusCallback=f"{voice_server.url}/webhook#rc=3&rp=ct,rt,5xx")
    assert await caller.told(8) == [status for status in STORY for _ in range(2)]
    assert len({token for _, token in caller.callbacks}) == 4


async def test_a_callback_whose_answer_was_lost_does_not_come_again_by_itself(caller: Caller) -> None:
    await caller.over("callbacks-answer-lost")
    assert await caller.told(4) == STORY


async def test_callbacks_bear_statuses_that_nobody_knows(caller: Caller) -> None:
    await caller.over("callbacks-unknown-status")
    assert await caller.told(4) == ["initiated", "early-media", "talking", "completed"]


async def test_the_twiml_is_fetched_twice(caller: Caller, voice_server: VoiceServer) -> None:
    await caller.over("twiml-fetched-twice")
    fetched = [form for url, form, _ in voice_server.forms if "/voice/twiml" in url]
    assert len(fetched) == 2
    assert fetched[0] == fetched[1]
    assert len(voice_server.webhooks) == 1


@pytest.mark.parametrize(("fault", "legs"), [("create-failed", 0), ("create-failed-but-placed", 1)])
async def test_an_error_may_or_may_not_have_placed_the_call(
    caller: Caller, sandbox: Sandbox, fault: str, legs: int
) -> None:
    status, error = await caller.create(fault)
    assert (status, error["code"], len(sandbox.twilio.legs)) == (500, 20500, legs)
    if legs:
        await caller.told(4)


@pytest.mark.parametrize(("fault", "legs"), [("create-cut", 0), ("create-cut-but-placed", 1)])
async def test_a_broken_connection_may_or_may_not_have_placed_the_call(
    caller: Caller, sandbox: Sandbox, fault: str, legs: int
) -> None:
    with pytest.raises(ServerDisconnectedError):
        await caller.create(fault)
    assert len(sandbox.twilio.legs) == legs


async def test_the_answer_of_a_placed_call_comes_too_late(caller: Caller, sandbox: Sandbox) -> None:
    sandbox.switches.late_answer_seconds = 0.5
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(caller.create("create-late-but-placed", StatusCallback=""))
        await sandbox.world.watch.until(lambda: bool(sandbox.twilio.legs))
        (leg,) = sandbox.twilio.legs.values()
        await sandbox.world.watch.until(lambda: leg.answered is not None)
        assert not answer.done()
    assert answer.result()[1]["sid"] == leg.sid


async def test_the_answer_of_a_slow_call_comes_when_the_person_has_picked_up(caller: Caller) -> None:
    leg = await caller.leg("create-slow")
    assert leg.answered is not None


@pytest.mark.parametrize(
    ("fault", "statuses"), [("create-busy-once", [429, 201, 429, 201]), ("create-busy", [429] * 4)]
)
async def test_too_many_requests_are_refused(
    caller: Caller, sandbox: Sandbox, fault: str, statuses: list[int]
) -> None:
    answers = [await caller.create(fault) for _ in statuses]
    assert [status for status, _ in answers] == statuses
    assert {body["code"] for status, body in answers if status == 429} == {20429}
    assert len([leg for leg in sandbox.twilio.legs.values() if not leg.parent_sid]) == statuses.count(201)


async def test_an_armed_fault_counts_the_retries_of_one_call_as_that_call(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest
) -> None:
    sandbox.world.armed.arm("create-busy-once", 1)
    wanted = form(voice_server, "+14155550101")
    assert [(await rest.post("Calls.json", **wanted))[0] for _ in range(3)] == [429, 201, 201]


@pytest.mark.parametrize(
    ("fault", "code"),
    [("number-invalid", 21211), ("region-forbidden", 21215), ("number-blocked", 21216)],
)
async def test_a_number_is_refused_with_its_code(
    caller: Caller, sandbox: Sandbox, fault: str, code: int
) -> None:
    status, error = await caller.create(fault)
    assert (status, error["code"], sandbox.twilio.legs) == (400, code, {})


@pytest.mark.parametrize("code", [21219, 573002])
async def test_the_code_of_a_trial_account_is_a_switch(caller: Caller, sandbox: Sandbox, code: Any) -> None:
    sandbox.switches.trial_code = code
    assert (await caller.create("trial-unverified"))[1]["code"] == code


async def test_a_call_waits_in_the_queue_where_it_can_be_canceled_without_a_word(
    caller: Caller, sandbox: Sandbox, rest: Rest
) -> None:
    _, call = await caller.create("queued-long")
    assert (call["status"], call["queue_time"]) == ("queued", "60000")
    assert (await rest.post(f"Calls/{call['sid']}.json", Status="canceled"))[1]["status"] == "canceled"
    other = sandbox.phone_in(script="greeting", via="number")
    await caller.told(1)
    assert [form["CallSid"] for form, _ in caller.callbacks] == [other.id]


async def test_a_telephone_rings_for_ever(caller: Caller, sandbox: Sandbox, rest: Rest) -> None:
    leg = await caller.leg("rings-for-ever", Timeout="5")
    _, other = await rest.post("Calls.json", To="+14155550105", From=leg.from_, Url=leg.url, Timeout="30")
    await sandbox.call_over(other["sid"])
    assert leg.status == "ringing"
    await rest.post(f"Calls/{leg.sid}.json", Status="canceled")
    assert leg.status == "canceled"
    assert await caller.told(2) == ["initiated", "ringing"]


@pytest.mark.parametrize(
    ("fault", "statuses"), [("hang-up-failed", [500, 200]), ("hang-up-busy", [429, 429, 200])]
)
async def test_a_hang_up_is_refused_at_first(
    caller: Caller, rest: Rest, fault: str, statuses: list[int]
) -> None:
    leg = await caller.leg(fault)
    answers = [(await rest.post(f"Calls/{leg.sid}.json", Status="completed"))[0] for _ in statuses]
    assert (answers, leg.status.is_final) == (statuses, True)


async def test_rest_tells_an_old_status_for_a_while(caller: Caller, sandbox: Sandbox, rest: Rest) -> None:
    leg = await caller.over("status-stale")
    for speed, status in ((0.1, "ringing"), (1e9, "no-answer")):
        sandbox.world.clock.speed = speed
        _, shown = await rest.get(f"Calls/{leg.sid}.json")
        _, listed = await rest.get("Calls.json", Status=status)
        assert (shown["status"], len(listed["calls"])) == (status, 1)
        assert (shown["end_time"] is None) == (status == "ringing")
    assert caller.callbacks == []


async def test_a_leg_vanishes_while_openai_talks_on(
    caller: Caller, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    leg = await caller.leg("leg-vanishes")
    await sandbox.world.watch.until(lambda: leg.status.is_final)
    realtime = sandbox.call(leg.sid).realtime
    assert realtime is not None
    assert realtime.is_live
    await sandbox.world.watch.until(lambda: bool(voice_server.of_type("response.done")))
    await voice_server.post(realtime.call_id, "hangup")
    await sandbox.call_over(leg.sid)
    assert await caller.told(3) == STORY[:3]


async def test_an_invite_does_not_reach_openai(
    caller: Caller, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    leg = await caller.over("invite-lost")
    assert [(alert.call_sid, alert.code) for alert in sandbox.twilio.alerts] == [(leg.sid, 13224)]
    assert await caller.told(4) == STORY
    assert voice_server.webhooks == []


async def test_twilio_ends_a_call_long_before_the_limit_asked_for(caller: Caller, sandbox: Sandbox) -> None:
    leg = await caller.over("time-limit", TimeLimit="600")
    assert leg.status == "completed"
    realtime = sandbox.call(leg.sid).realtime
    assert realtime is not None
    assert realtime.cause == "line_ended"
