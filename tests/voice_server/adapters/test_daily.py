"""Calls added up by the day they began on."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.voice_server.adapters.daily import DAY_SECONDS, Span, Totals, totals
from services.voice_server.adapters.store import Store
from services.voice_server.domain.record import Phase
from shared.events import CallStatus
from tests.voice_server.calls import record

TODAY = 20_000
MIDNIGHT = TODAY * DAY_SECONDS
NOW = MIDNIGHT + 40_000.0
UTC_DAYS = Span(TODAY - 1, TODAY)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path)
    yield opened
    await opened.close()


async def begin(store: Store, *moments: float) -> None:
    for serial, moment in enumerate(moments, 1):
        await store.save(record(serial, started_at=moment), [])


async def counts(store: Store, span: Span) -> dict[int, int]:
    return {day: totals.calls for day, totals in (await store.days(span, NOW)).items()}


async def test_a_day_begins_at_midnight_and_ends_before_the_next(store: Store) -> None:
    yesterday, tomorrow = MIDNIGHT - DAY_SECONDS, MIDNIGHT + DAY_SECONDS
    just = 0.0001
    await begin(store, yesterday - just, yesterday, MIDNIGHT - just, MIDNIGHT, tomorrow - just, tomorrow)
    assert await counts(store, UTC_DAYS) == {TODAY - 1: 2, TODAY: 2}
    assert await counts(store, Span(TODAY, TODAY)) == {TODAY: 2}


@pytest.mark.parametrize("minutes", [-720, -330, -1, 0, 1, 345, 840])
async def test_midnight_is_that_of_the_clock_that_is_ahead(store: Store, minutes: int) -> None:
    there = MIDNIGHT - minutes * 60
    await begin(store, there - DAY_SECONDS - 0.01, there - 0.01, there, there + DAY_SECONDS)
    assert await counts(store, Span(TODAY - 1, TODAY, minutes * 60)) == {TODAY - 1: 1, TODAY: 1}


async def test_seconds_are_those_since_somebody_picked_up_so_far_if_the_call_runs(store: Store) -> None:
    await begin(store, NOW - 60)
    assert await store.days(UTC_DAYS, NOW) == {TODAY: Totals(1, 0, None)}
    ended = {"phase": Phase.ENDED, "ended_at": NOW - 20, "cost_usd": 0.1}
    await store.save(record(2, started_at=NOW - 60, answered_at=NOW - 50.2), [])
    await store.save(record(3, started_at=NOW - 60, answered_at=NOW - 50, **ended), [])
    await store.save(record(4, started_at=NOW - 60, answered_at=NOW + 50, cost_usd=0.2), [])
    assert await store.days(UTC_DAYS, NOW) == {TODAY: Totals(4, 80, 0.3)}


async def test_the_rejected_and_those_without_an_id_are_not_counted(store: Store) -> None:
    await store.save(record(1, started_at=NOW, status=CallStatus.REJECTED, cost_usd=0.0), [])
    await store.save(record(2, started_at=NOW, call_sid=None), [])
    assert await store.days(UTC_DAYS, NOW) == {}


async def test_no_record_is_read_to_add_up_many_days(store: Store, tmp_path: Path) -> None:
    await store.save(record(1, started_at=NOW), [])
    db = sqlite3.connect(tmp_path / "voice.sqlite")
    db.row_factory = sqlite3.Row
    traced: list[str] = []
    db.set_trace_callback(traced.append)
    assert totals(db, UTC_DAYS, NOW)
    db.set_trace_callback(None)
    program = [str(step["p4"]) for step in db.execute(f"EXPLAIN {traced[0]}")]
    assert any("total" in step for step in program)
    assert not any("json_extract" in step for step in program)
    db.close()


async def test_the_days_of_an_older_release_are_added_up(tmp_path: Path) -> None:
    older = Store(tmp_path)
    await older.save(record(1, started_at=NOW, cost_usd=0.5), [])
    await older.close()
    db = sqlite3.connect(tmp_path / "voice.sqlite")
    db.executescript("DROP INDEX calls_by_day; CREATE INDEX calls_by_start ON calls (started_at);")
    db.close()
    store = Store(tmp_path)
    assert await store.days(UTC_DAYS, NOW) == {TODAY: Totals(1, 0, 0.5)}
    await store.close()
