"""What the switchboard promises when much happens at once, and when it has to stop."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from sandbox.app import Sandbox
from services.voice_server import keys
from services.voice_server.app import stop
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import GUEST, OWNER, RunningServer, Start
from tests.voice_server.serving import Answer, scripted, served, until

ENDLESS, NO_ANSWER = "+14155550106", "+14155550105"
SID = "CA" + "5" * 32


@pytest.mark.parametrize("setting", ["MAX_CONCURRENT_CALLS", "MAX_CALLS_PER_HOUR"])
async def test_limits_hold_for_calls_asked_for_at_the_same_moment(
    start: Start, sandbox: Sandbox, setting: str
) -> None:
    sandbox.world.clock.speed = 2
    server = await start(**{setting: "2"})
    answers = await asyncio.gather(*(server.ask("POST", "/call", {"to": NO_ANSWER}) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [202] * 2 + [429] * 6
    assert len(sandbox.twilio.legs) == 2


async def test_many_calls_at_once_do_not_mix(start: Start, bridge: RecordingBridge, sandbox: Sandbox) -> None:
    await start(MAX_CONCURRENT_CALLS="20")
    ids = [sandbox.phone_in(OWNER if n % 2 else GUEST, "talk").id for n in range(12)]
    for call_id in ids:
        await bridge.until("call_ended", call_id, within=15)
    for number, call_id in enumerate(ids):
        events = bridge.of(call_id)
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        assert {event["phoneNumber"] for event in events} == {OWNER if number % 2 else GUEST}
        assert bridge.turns(call_id)[0] == ("assistant", "Hi, this is Ada.", False)
        usage = sandbox.openai.ledger(call_id).told.model_dump()
        assert events[-1]["data"]["usage"] == usage


class SlowTwilio:
    """Take calls, but answer only when told to."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.updates: list[str] = []
        self.app = web.Application()
        self.app.router.add_post("/2010-04-01/Accounts/{account}/Calls.json", self._create)
        self.app.router.add_post("/2010-04-01/Accounts/{account}/Calls/{sid}.json", self._update)

    async def _create(self, _: web.Request) -> web.Response:
        self.asked.set()
        await self.may_answer.wait()
        return web.json_response({"sid": SID, "status": "queued"}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        self.updates.append(str((await request.post())["Status"]))
        return web.json_response({"sid": SID, "status": "canceled"})


@asynccontextmanager
async def slow_twilio() -> AsyncIterator[tuple[SlowTwilio, str]]:
    twilio = SlowTwilio()
    async with served(twilio.app) as url:
        yield twilio, url


async def test_a_call_given_up_while_it_is_placed_is_hung_up_as_soon_as_it_has_a_name(start: Start) -> None:
    async with slow_twilio() as (twilio, url):
        server = await start(TWILIO_BASE_URL=url)
        asking = asyncio.gather(server.ask("POST", "/call", {"to": OWNER}))
        await twilio.asked.wait()
        await stop(server.app)
        twilio.may_answer.set()
        async with asyncio.timeout(3):
            ((status, _),) = await asking
        assert status == 503
        assert twilio.updates == ["canceled"]
        assert not server.app[keys.SWITCHBOARD].active


async def test_a_stopping_server_takes_no_more_calls(server: RunningServer, sandbox: Sandbox) -> None:
    await stop(server.app)
    status, answer = await server.ask("POST", "/call", {"to": OWNER})
    assert (status, answer["title"]) == (503, "Stopping")
    trunk = await sandbox.call_over(sandbox.phone_in(OWNER, "greeting").id)
    assert trunk.realtime
    assert trunk.realtime.sip_status == 486
    assert 'reason="busy"' in await server.twiml("/voice/incoming", CallSid=SID, From=OWNER)
    assert sandbox.twilio.received == []


async def test_a_stop_lets_calls_end_by_themselves_first(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start(DRAIN_SECONDS="5")
    call_id = sandbox.phone_in(OWNER, "talk").id
    await bridge.until("call_answered", call_id)
    await stop(server.app)
    assert bridge.of(call_id)[-1]["data"]["endReason"] == "assistant_hung_up"


async def test_a_stop_hangs_up_the_rest_and_delivers_what_is_queued(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start(DRAIN_SECONDS="0")
    outbound = await server.dial(ENDLESS)
    inbound = sandbox.phone_in(GUEST, "endless").id
    for call_id in (outbound, inbound):
        await bridge.until("call_answered", call_id)
    await stop(server.app)
    for call_id in (outbound, inbound):
        assert sandbox.call(call_id).is_over
        ended = bridge.of(call_id)[-1]
        assert (ended["eventType"], ended["data"]["endReason"]) == ("call_ended", "server_stopped")
        assert await server.store.undelivered(call_id) == []
    assert await server.store.unfinished() == []


async def test_a_stop_is_over_in_time_though_twilio_hangs_and_the_call_is_ended_at_the_next_start(
    start: Start, bridge: RecordingBridge
) -> None:
    """DRAIN_SECONDS and five more: then the process is gone, whatever the peers do."""
    async with scripted(Answer(silent=True)) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url)
        await server.twiml("/voice/incoming", CallSid=SID, From=OWNER)
        await bridge.until("call_started", SID)
        begun = time.monotonic()
        await stop(server.app)
        await stop(server.app)  # the server's end asks for it again; it must not wait again
        await server.runner.cleanup()
        assert time.monotonic() - begun < 5
        again = await start()
        (call,) = again.app[keys.SWITCHBOARD].active
        assert call.phase == "closing"

        async def over() -> bool:
            return not again.app[keys.SWITCHBOARD].active

        await until(over)
        assert (await bridge.until("call_ended", SID))["data"]["endReason"] == "server_stopped"


async def test_a_stop_is_asked_for_once(server: RunningServer) -> None:
    switchboard = server.app[keys.SWITCHBOARD]
    assert await switchboard.drain(0)
    assert not await switchboard.drain(60)


async def test_a_call_that_ended_while_nobody_ran_it_is_closed_at_the_next_start(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    first = await start()
    trunk = sandbox.phone_in(OWNER, "endless").id
    dialled = await first.dial(NO_ANSWER)
    await bridge.until("call_answered", trunk)
    await first.crash()
    sandbox.exchange.hang_up(trunk)
    sandbox.exchange.hang_up(dialled)
    await start()
    for call_id in (trunk, dialled):
        ended = await bridge.until("call_ended", call_id)
        assert ended["data"]["status"] in {"completed", "no-answer"}
        events = bridge.of(call_id)
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))


async def test_a_call_can_still_be_matched_by_its_token_after_a_restart(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    first = await start()
    document = await first.twiml("/voice/incoming", CallSid=SID, From=OWNER)
    await bridge.until("call_started", SID)
    await first.crash()
    second = await start()
    token = document.partition("X-Openclaw-Call=")[2].partition("<")[0]
    assert await second.offer("rtc_1", ("X-Openclaw-Call", token)) == 200
    _, call = await second.ask("GET", "/history/rtc_1")
    assert call["call_id"] == SID
