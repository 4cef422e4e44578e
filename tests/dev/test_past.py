"""A past is laid out as the services would have kept it, and they find it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dev.past import lay_out
from services.session_bridge.adapters.journal import Journal
from services.session_bridge.domain.session import State
from services.voice_server.adapters.store import Filter, Store
from services.voice_server.domain.record import CallRecord
from shared.events import CallStatus, Direction

CALLS, WAITING, LONGEST = 300, 3, 40


@pytest.fixture
async def past(tmp_path: Path) -> list[CallRecord]:
    return await lay_out(tmp_path, CALLS, longest_turns=LONGEST, unwritten=WAITING)


@pytest.fixture
async def store(past: list[CallRecord], tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def journal(past: list[CallRecord], tmp_path: Path) -> AsyncIterator[Journal]:
    opened = Journal(tmp_path / "bridge.sqlite")
    yield opened
    await opened.close()


async def test_the_voice_server_finds_every_call_newest_first(store: Store, past: list[CallRecord]) -> None:
    found = [call for _, call in await store.history(Filter(2 * CALLS))]
    assert found == past[::-1]
    assert [call.started_at for call in past] == sorted(call.started_at for call in past)
    assert {call.direction for call in past} == set(Direction)
    assert {CallStatus.COMPLETED, CallStatus.REJECTED, CallStatus.NO_ANSWER} < {call.status for call in past}
    assert len({call.number for call in past}) > 4


async def test_nothing_is_left_to_be_done_in_the_voice_server(store: Store) -> None:
    assert await store.unfinished() == []
    assert await store.undelivered_calls() == []


async def test_what_was_said_and_done_is_found(store: Store, past: list[CallRecord]) -> None:
    assert len(await store.turns(past[-1])) >= LONGEST
    assert any([await store.tool_events(call) for call in past])
    assert await store.history(Filter(10, text="GARDEN"))


async def test_the_bridge_knows_what_became_of_each(journal: Journal, past: list[CallRecord]) -> None:
    told = [call for call in past if call.status is not CallStatus.REJECTED]
    waiting = await journal.sessions(State.FAILED)
    assert [session.call_id for session in waiting] == [call.call_id for call in told[: -WAITING - 1 : -1]]
    assert len(await journal.sessions(State.SYNCED)) == len(told) - WAITING
    assert len(await journal.turns(past[-1].call_id or "")) >= LONGEST
