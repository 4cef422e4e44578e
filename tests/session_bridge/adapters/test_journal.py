import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.session_bridge.adapters.deliveries import Deliveries
from services.session_bridge.adapters.journal import Journal
from services.session_bridge.domain.session import GapError, Session, State
from shared.database import DatabaseError
from shared.transcript import Turn
from tests.session_bridge.calls import CALL, START, Json, call, kept, read, turns

OTHER = "CA2"


async def deliver(journal: Journal, event: Json) -> int | None:
    """Post as the voice server does: the next sequence to send after a gap, else None."""
    try:
        await journal.accept(read(event), "agent:main:main")
    except GapError as gap:
        expected: int = gap.members["expectedSequence"]
        return expected
    return None


async def record(journal: Journal) -> list[tuple[str, str, bytes]]:
    records, _ = await journal.after(0, 1000)
    return sorted((line.call_id, line.type, line.json) for line in records)


CALLS = {CALL: call("user: a", "assistant: b"), OTHER: call("user: c", call_id=OTHER)}
EVENTS = [event for events in CALLS.values() for event in events]


async def told(path: Path, storm: list[Json | None]) -> list[tuple[str, str, bytes]]:
    """Deliver a storm of events (None restarts the bridge), then all in order, as an outbox does."""
    journal = Journal(path)
    for event in [*storm, *EVENTS]:
        if event is None:
            await journal.close()
            journal = Journal(path)
        else:
            await deliver(journal, event)
    try:
        return await record(journal)
    finally:
        await journal.close()


@settings(max_examples=25)
@given(st.lists(st.sampled_from([None, *EVENTS]), max_size=20))
def test_any_order_of_retries_gaps_and_restarts_ends_in_the_same_record(storm: list[Json | None]) -> None:
    with TemporaryDirectory() as folder:
        stormy = asyncio.run(told(Path(folder) / "stormy.sqlite", storm))
        assert stormy == asyncio.run(told(Path(folder) / "calm.sqlite", []))
        assert len(stormy) == len(EVENTS)


@settings(max_examples=25)
@given(st.lists(st.sampled_from(EVENTS), max_size=20))
def test_a_call_never_has_a_gap_at_any_moment(storm: list[Json]) -> None:
    async def check(path: Path) -> None:
        journal = Journal(path)
        for event in storm:
            await deliver(journal, event)
            records, _ = await journal.after(0, 100, call_id=event["callId"])
            numbers = [orjson.loads(line.json)["sequence"] for line in records]
            assert numbers == list(range(1, len(numbers) + 1))
        await journal.close()

    with TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder) / "bridge.sqlite"))


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = Journal(tmp_path / "bridge.sqlite")
    yield opened
    await opened.close()


async def test_a_sequence_used_by_another_event_is_refused_with_the_next_one(journal: Journal) -> None:
    first, second, *_ = call("user: hi")
    await journal.accept(read(first), None)
    await journal.accept(read(second), None)
    with pytest.raises(GapError, match="sequence 3"):
        await journal.accept(read(kept(CALL, 2, "call_answered", {})), None)


async def test_an_event_id_seen_before_is_a_repeat_under_any_sequence(journal: Journal) -> None:
    first = call()[0]
    await journal.accept(read(first), "agent:main:main")
    receipt = await journal.accept(read(first | {"sequence": 2}), None)
    assert receipt == (False, "agent:main:main", False)


async def test_the_key_of_a_call_never_changes(journal: Journal) -> None:
    first, second, third = call("user: hi")
    assert (await journal.accept(read(first), None)).session_key is None
    assert (await journal.accept(read(second), "agent:main:one")).session_key == "agent:main:one"
    assert (await journal.accept(read(third), "agent:main:two")).session_key == "agent:main:one"
    await Deliveries(journal).freeze_key(CALL, "agent:main:three")
    session = await journal.session(CALL)
    assert session is not None
    assert session.session_key == "agent:main:one"


async def test_a_call_is_reported_as_synced_once(journal: Journal) -> None:
    for event in call("user: hi"):
        await journal.accept(read(event), "agent:main:main")
    assert await journal.synced(CALL, "agent:main:main", 2)
    assert not await journal.synced(CALL, "agent:main:main", 2)
    records, reached = await journal.after(0, 1000)
    assert [line.type for line in records].count("session_synced") == 1
    assert await journal.synced_number(CALL) == reached == 4


async def test_a_failed_attempt_is_remembered(journal: Journal) -> None:
    for event in call("user: hi"):
        await journal.accept(read(event), None)
    await Deliveries(journal).failed(CALL, "locked")
    (session,) = await journal.sessions(State.FAILED)
    assert (session.last_error, session.attempts) == ("locked", 1)


async def test_a_call_that_is_still_running_cannot_become_synced(journal: Journal) -> None:
    await journal.accept(read(call()[0]), None)
    assert not await journal.synced(CALL, "agent:main:main", 0)


async def test_a_fetched_call_keeps_its_turns_when_its_own_events_arrive(journal: Journal) -> None:
    fetched = turns("user: hi", "assistant: hello")
    await journal.import_call(
        Session(CALL, "+14155550123", "inbound", "2026", state=State.SYNCING, ended_at=1.5), fetched
    )
    assert await journal.turns(CALL) == fetched
    for event in call("user: hi"):
        await journal.accept(read(event), None)
    assert [turn.content for turn in await journal.turns(CALL)] == ["hi", "hello", "hi"]


async def test_turns_come_back_as_they_were_told(journal: Journal) -> None:
    data = {"speaker": "user", "content": "hi", "itemId": "b", "previousItemId": "a", "interrupted": True}
    await journal.accept(read(kept(CALL, 1, "transcript_update", data)), None)
    (turn,) = await journal.turns(CALL)
    assert turn == Turn("b", turn.speaker, "hi", turn.at, "a", interrupted=True)
    assert turn.at > START


async def test_a_page_tells_how_far_it_reaches(journal: Journal) -> None:
    for event in [*call("user: hi"), *call("user: hi", call_id=OTHER, number="+14155550100")]:
        await journal.accept(read(event), f"agent:main:{event['callId']}")
    records, reached = await journal.after(0, 2)
    assert ([line.number for line in records], reached) == ([1, 2], 2)
    records, reached = await journal.after(2, 10, call_id=CALL)
    assert ([line.number for line in records], reached) == ([3], 6)
    records, _ = await journal.after(0, 10, session_key="agent:main:CA2")
    assert [line.number for line in records] == [4, 5, 6]


def test_a_file_that_is_no_database_is_a_database_error(tmp_path: Path) -> None:
    (tmp_path / "bridge.sqlite").write_bytes(b"something else, and long enough to be looked at" * 100)
    with pytest.raises(DatabaseError):
        Journal(tmp_path / "bridge.sqlite")
