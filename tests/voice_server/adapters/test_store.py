"""Calls and events on disk: together or not at all, and there again after a restart."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from services.voice_server.adapters.store import Claim, Filter, Store
from services.voice_server.domain.record import Phase
from shared.database import DatabaseError
from shared.events import CallStatus, Direction, iso
from tests.voice_server.calls import STARTED_AT, begun, record, said, turn
from tests.voice_server.running_server import GUEST, OWNER


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path)
    yield opened
    await opened.close()


async def test_a_call_is_found_by_each_of_its_ids(store: Store) -> None:
    call = record(1, rtc_id="rtc_1")
    await store.save(call, [])
    assert await store.call(f"CA{1:032x}") == call
    assert await store.call("rtc_1") == call
    for unknown in ("ref_1", "", "rtc_2", "\x00"):
        assert await store.call(unknown) is None


async def test_a_call_saved_again_replaces_what_was_known(store: Store) -> None:
    await store.save(record(1, call_sid=None), [])
    later = record(1, rtc_id="rtc_1", phase=Phase.ENDED, status=CallStatus.COMPLETED)
    await store.save(later, [])
    assert [call for _, call in await store.history(Filter(10))] == [later]


async def test_a_call_and_its_events_are_saved_together_or_not_at_all(store: Store) -> None:
    before, events = begun(record(1))
    await store.save(before, events)
    after, news = said(before, turn("item_1", None))
    with pytest.raises(DatabaseError):
        await store.save(after.model_copy(update={"status": CallStatus.FAILED}), [*news, events[0]])
    assert await store.call(before.call_id or "") == before
    assert [sequence for sequence, _ in await store.undelivered(before.call_id or "")] == [1, 2]


async def test_the_failure_of_one_call_is_not_that_of_another_saved_at_the_same_moment(store: Store) -> None:
    call, events = begun(record(1))
    await store.save(call, events)
    outcomes = await asyncio.gather(
        store.save(call, events), *(store.save(record(n), []) for n in range(2, 50)), return_exceptions=True
    )
    assert isinstance(outcomes[0], DatabaseError)
    assert outcomes[1:] == [None] * 48
    assert len(await store.history(Filter(100))) == 49


async def test_history_is_newest_first_page_by_page(store: Store) -> None:
    for number in range(1, 8):
        await store.save(record(number), [])
    first = await store.history(Filter(3))
    second = await store.history(Filter(3, before=first[-1][0]))
    await store.save(record(8), [])
    third = await store.history(Filter(3, before=second[-1][0]))
    refs = [call.ref for _, call in [*first, *second, *third]]
    assert refs == [f"ref_{number}" for number in range(7, 0, -1)]


async def test_history_is_filtered(store: Store) -> None:
    await store.save(record(1), [])
    await store.save(record(2, direction=Direction.INBOUND, number=GUEST), [])
    await store.save(record(3, direction=Direction.INBOUND, number=None, status=CallStatus.REJECTED), [])

    async def found(**wanted: str) -> list[str]:
        return [call.ref for _, call in await store.history(Filter(10, **wanted))]  # type: ignore[arg-type]  # as text

    assert await found(direction="inbound") == ["ref_3", "ref_2"]
    assert await found(status="rejected") == ["ref_3"]
    assert await found(phone=OWNER) == ["ref_1"]
    assert await found(phone="anonymous") == ["ref_3"]
    assert await found(direction="outbound", phone=GUEST) == []


async def test_a_call_that_never_got_an_id_is_no_history(store: Store) -> None:
    await store.save(record(1, call_sid=None), [])
    assert await store.history(Filter(10)) == []


async def test_unfinished_calls_come_with_what_they_published_in_the_order_it_was_spoken(
    store: Store,
) -> None:
    call, events = said(record(1), turn("item_a", None), turn("item_c", "item_a"), turn("item_b", "item_a"))
    await store.save(call, events)
    await store.save(record(2, phase=Phase.ENDED, leg_gone=True), [])
    await store.save(record(3, call_sid=None, phase=Phase.DIALLING), [])
    assert await store.unfinished() == [
        (call, ["item_a", "item_b", "item_c"]),
        (record(3, call_sid=None, phase=Phase.DIALLING), []),
    ]


async def test_a_key_stands_for_what_was_first_claimed_until_it_is_old_or_given_up(store: Store) -> None:
    first, second = Claim("digest_1", "ref_1"), Claim("digest_2", "ref_2")
    assert await store.claim("k", first, STARTED_AT, 60) == first
    assert await store.claim("k", second, STARTED_AT + 59, 60) == first
    assert await store.claim("K", second, STARTED_AT, 60) == second
    assert await store.claim("k", second, STARTED_AT + 60, 60) == second
    await store.disclaim("k")
    assert await store.claim("k", first, STARTED_AT + 60, 60) == first


async def test_a_call_is_found_by_our_own_name_for_it(store: Store) -> None:
    await store.save(record(1, call_sid=None), [])
    assert await store.call_of("ref_1") == record(1, call_sid=None)
    assert await store.call_of("ref_2") is None


async def test_calls_are_listed_from_a_moment_on_also_those_without_an_id(store: Store) -> None:
    first, second = record(1, call_sid=None), record(2, direction=Direction.INBOUND)
    await store.save(first, [])
    await store.save(second, [])
    assert await store.since(STARTED_AT) == [first, second]
    assert await store.since(STARTED_AT + 2) == [second]
    assert await store.since(STARTED_AT + 3) == []


async def test_turns_are_what_was_published(store: Store) -> None:
    call, events = begun(record(1), turns=2)
    await store.save(call, events)
    await store.save(*begun(record(2), turns=3))
    turns = await store.turns(call)
    assert [(turn.item_id, turn.previous_item_id) for turn in turns] == [
        ("item_0", None),
        ("item_1", "item_0"),
    ]
    assert iso(turns[0].at) == "2026-09-21T14:13:20.000Z"


async def test_events_wait_until_they_are_delivered_each_calls_in_order(store: Store) -> None:
    one, events = begun(record(1), turns=2)
    two, others = begun(record(2))
    await store.save(one, events)
    await store.save(two, others)
    call_id = one.call_id or ""
    assert sorted(await store.undelivered_calls()) == sorted([call_id, two.call_id or ""])
    waiting = await store.undelivered(call_id)
    assert [sequence for sequence, _ in waiting] == [1, 2, 3, 4]
    assert [orjson.loads(body) for _, body in waiting] == [event.model_dump(mode="json") for event in events]
    await store.delivered(call_id, 2)
    assert [sequence for sequence, _ in await store.undelivered(call_id, limit=1)] == [3]
    await store.delivered(call_id, 4)
    assert await store.undelivered_calls() == [two.call_id]


async def test_what_the_bridge_misses_waits_again(store: Store) -> None:
    call, events = begun(record(1), turns=2)
    call_id = call.call_id or ""
    await store.save(call, events)
    await store.delivered(call_id, 4)
    await store.rewind(call_id, 3)
    assert [sequence for sequence, _ in await store.undelivered(call_id)] == [3, 4]


async def test_a_call_that_has_ended_is_unfinished_until_its_legs_have_been_hung_up(store: Store) -> None:
    ended = record(1, phase=Phase.ENDED)
    await store.save(ended, [])
    assert [call for call, _ in await store.unfinished()] == [ended]
    await store.save(record(1, phase=Phase.ENDED, leg_gone=True), [])
    assert await store.unfinished() == []


async def test_all_of_it_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    call, events = begun(record(1), turns=3)
    first = Store(tmp_path)
    await first.save(call, events)
    await first.delivered(call.call_id or "", 1)
    second = Store(tmp_path)  # the first has not been closed: its process was killed
    assert await second.unfinished() == [(call, ["item_0", "item_1", "item_2"])]
    assert [sequence for sequence, _ in await second.undelivered(call.call_id or "")] == [2, 3, 4, 5]
    await first.close()
    await second.close()


async def test_the_file_is_the_owners_alone(store: Store, tmp_path: Path) -> None:
    assert (tmp_path / "voice.sqlite").stat().st_mode & 0o777 == 0o600


async def test_a_disk_that_does_not_play_along_is_a_database_error(store: Store, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "voice.sqlite") as other:
        other.execute("DROP TABLE events")
    other.close()
    with pytest.raises(DatabaseError):
        await store.undelivered_calls()
    with pytest.raises(DatabaseError):
        await store.save(record(1), [])


async def test_the_backlog_is_what_the_bridge_has_not_got_and_as_old_as_the_oldest_of_it(
    store: Store,
) -> None:
    assert await store.backlog(STARTED_AT) == (0, 0)
    call, events = begun(record(1), turns=2)
    await store.save(call, events)
    assert await store.backlog(STARTED_AT + 7) == (4, 7)
    assert await store.backlog(STARTED_AT - 7) == (4, 0)
    await store.delivered(str(call.call_id), 3)
    assert (await store.backlog(STARTED_AT))[0] == 1
