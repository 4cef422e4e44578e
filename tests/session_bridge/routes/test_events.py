import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from services.session_bridge.keys import STREAMS
from tests.session_bridge.bridge import Bridge, Frame, Start, take
from tests.session_bridge.calls import CALL, NUMBER, call, kept, partial, said
from tests.session_bridge.waiting import until

TYPES = ["call_started", "transcript_update", "call_ended", "session_synced"]


async def test_a_new_reader_gets_what_comes_next(bridge: Bridge) -> None:
    first, *rest = call("user: hi")
    await bridge.tell([first])
    async with bridge.events() as stream:
        await bridge.tell(rest)
        frames = await take(stream, 3)
    assert [(frame["id"], frame["event"]) for frame in frames] == list(zip("234", TYPES[1:], strict=True))
    assert '"content":"hi"' in frames[0]["data"]
    assert frames[2]["data"] == (
        f'{{"callId":"{CALL}","sessionKey":"agent:main:voice:direct:{NUMBER}","messagesInjected":2}}'
    )


@pytest.mark.parametrize("by", ["header", "query"])
async def test_a_reader_that_comes_back_gets_all_it_missed_and_nothing_twice(bridge: Bridge, by: str) -> None:
    await bridge.tell(call("user: hi"))
    await bridge.until_all_are("synced")
    headers = {"Last-Event-ID": "2"} if by == "header" else {}
    path = "/events" if by == "header" else "/events?lastEventId=2"
    async with bridge.events(path, **headers) as stream:
        await bridge.tell(call(call_id="CA2")[:1])
        assert [frame["id"] for frame in await take(stream, 3)] == ["3", "4", "5"]


async def test_events_survive_a_restart_of_the_bridge(start: Start) -> None:
    first = await start()
    await first.tell(call("user: hi"))
    await first.until_all_are("synced")
    await first.client.close()
    second = await start()
    async with second.events(**{"Last-Event-ID": "1"}) as stream:
        assert [frame["event"] for frame in await take(stream, 3)] == TYPES[1:]


async def test_of_three_readers_each_that_stays_gets_every_event_once_over_a_restart(start: Start) -> None:
    events = call(*(f"user: {n}" for n in range(40)))
    first = await start()
    async with first.events() as quick, first.events() as slow, first.events() as leaving:
        await first.tell(events[:20])
        seen = [frame["id"] for frame in await take(quick, 20)]
        late = [frame["id"] for frame in await take(slow, 3)]
        await take(leaving, 1)
        await first.client.close()
    second = await start()
    async with (
        second.events(**{"Last-Event-ID": seen[-1]}) as quick,
        second.events(**{"Last-Event-ID": late[-1]}) as slow,
    ):
        await second.tell(events[20:])
        seen += [frame["id"] for frame in await take(quick, 23)]
        late += [frame["id"] for frame in await take(slow, 40)]
    assert seen == late == [str(n) for n in range(1, 44)]


async def test_an_id_from_another_journal_starts_with_what_comes_next(bridge: Bridge) -> None:
    async with bridge.events(**{"Last-Event-ID": "999"}) as stream:
        await bridge.tell(call()[:1])
        assert [frame["id"] for frame in await take(stream, 1)] == ["1"]


async def test_a_reader_of_running_calls_gets_them_from_their_first_event_in_the_order_of_the_journal(
    bridge: Bridge,
) -> None:
    over, first = call("user: hi", call_id="CA1"), call("user: hi")
    second = call("user: hi", call_id="CA3", number="+14155550100")
    await bridge.tell([first[0], *over, second[0], first[1]])
    await bridge.until_synced("CA1")
    for scope in ("callId=CA3", "sessionKey=agent:main:voice:direct:%2B14155550100"):
        async with bridge.events(f"/events?running=1&{scope}") as stream:
            assert [frame["id"] for frame in await take(stream, 1)] == ["5"]
    async with bridge.events("/events?running=1&partials=1") as stream:
        assert [frame["id"] for frame in await take(stream, 3)] == ["1", "5", "6"]
        await bridge.post("/call-event", partial("user: wh"))
        await bridge.tell([first[2], second[1]])
        assert [frame["event"] for frame in await take(stream, 2)] == ["transcript_partial", "call_ended"]


async def test_who_resumes_is_not_told_the_running_calls_again(bridge: Bridge) -> None:
    events = call("user: hi", "assistant: hello")
    await bridge.tell(events[:2])
    async with bridge.events("/events?running=1", **{"Last-Event-ID": "1"}) as stream:
        await bridge.tell(events[2:3])
        assert [frame["id"] for frame in await take(stream, 2)] == ["2", "3"]


async def test_one_call_is_told_from_its_beginning_to_its_end(bridge: Bridge) -> None:
    await bridge.tell(call(call_id="CA2")[:1])
    await bridge.tell(call("user: hi"))
    assert [frame["event"] for frame in await bridge.all_events(f"/calls/{CALL}/events")] == TYPES
    assert [frame["event"] for frame in await bridge.all_events(f"/calls/{CALL}/events")] == TYPES


async def test_one_call_is_told_while_it_runs(bridge: Bridge) -> None:
    first, *rest = call("user: hi")
    await bridge.tell([first])
    async with bridge.events(f"/calls/{CALL}/events") as stream:
        assert [frame["event"] for frame in await take(stream, 1)] == TYPES[:1]
        await bridge.tell(rest)
        assert [frame["event"] async for frame in stream] == TYPES[1:]


async def test_a_finished_call_tells_a_returning_reader_to_stay_away(bridge: Bridge) -> None:
    await bridge.tell(call("user: hi"))
    frames = await bridge.all_events(f"/calls/{CALL}/events")
    headers = {"Last-Event-ID": frames[-1]["id"]}
    async with bridge.client.get(f"/calls/{CALL}/events", headers=headers) as response:
        assert response.status == 204


async def test_a_reader_sees_only_what_it_asked_for(bridge: Bridge) -> None:
    async with (
        bridge.events("/events?callId=CA2") as one,
        bridge.events("/events?sessionKey=agent:main:voice:direct:%2B14155550100") as other,
    ):
        await bridge.tell(call("user: hi"))
        await bridge.tell(call(call_id="CA2")[:1])
        await bridge.tell(call(call_id="CA3", number="+14155550100")[:1])
        assert '"callId":"CA2"' in (await take(one, 1))[0]["data"]
        assert '"callId":"CA3"' in (await take(other, 1))[0]["data"]


async def test_partials_come_to_those_who_ask_and_have_no_id(bridge: Bridge) -> None:
    first, second, *_ = call("user: hi")
    await bridge.tell([first])
    async with bridge.events("/events?partials=1") as eager, bridge.events() as calm:
        await bridge.post("/call-event", partial("user: h"))
        await bridge.tell([second])
        shown = await take(eager, 2)
        assert [frame["event"] for frame in shown] == ["transcript_partial", "transcript_update"]
        assert ["id" in frame for frame in shown] == [False, True]
        assert [frame["event"] for frame in await take(calm, 1)] == ["transcript_update"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/events?partials=yes", 422),
        ("/events?lastEventId=x", 422),
        ("/calls/CA9/events", 404),
    ],
)
async def test_a_wrong_question_is_an_ordinary_error(bridge: Bridge, path: str, status: int) -> None:
    assert (await bridge.get(path))[0] == status


async def test_a_silent_stream_is_kept_alive_by_comments(bridge: Bridge) -> None:
    async with bridge.client.get("/events") as response:
        assert (await response.content.readline()).startswith(b":")


async def readers_left(bridge: Bridge, count: int) -> None:
    async def reached() -> bool:
        return len(bridge.client.app[STREAMS]) == count

    await until(reached)


async def test_of_three_readers_one_stuck_and_one_leaving_hold_up_nobody(bridge: Bridge) -> None:
    with socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server = bridge.client.server
        await asyncio.to_thread(stuck.connect, (server.host, server.port))
        stuck.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\r\n")
        async with bridge.events() as good:
            async with bridge.events() as leaving:
                await readers_left(bridge, 3)
                await bridge.tell(call()[:1])
                await take(leaving, 1)
            long = [
                kept(CALL, n, "transcript_update", said("user: " + "x" * 50_000, f"i{n}"))
                for n in range(2, 26)
            ]
            read_on = asyncio.gather(take(good, 25))
            await bridge.tell(long)
            assert [frame["id"] for frame in (await read_on)[0]] == [str(n) for n in range(1, 26)]
            await readers_left(bridge, 1)


async def test_a_reader_that_left_is_noticed_though_nothing_happens(bridge: Bridge) -> None:
    async with bridge.events():
        await readers_left(bridge, 1)
    await readers_left(bridge, 0)


async def test_streams_end_cleanly_when_the_bridge_stops(start: Start) -> None:
    bridge = await start()

    async def rest(stream: AsyncIterator[Frame]) -> list[Frame]:
        return [frame async for frame in stream]

    async with bridge.events() as stream:
        await readers_left(bridge, 1)
        reading = asyncio.gather(rest(stream))
        await bridge.client.server.close()
        assert not (await reading)[0]
