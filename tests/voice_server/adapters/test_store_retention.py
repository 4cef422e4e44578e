"""What is old and done with is forgotten, and nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.voice_server.adapters.store import Filter, Store
from services.voice_server.domain.record import CallRecord, Phase
from tests.voice_server.calls import STARTED_AT, begun, record

LATER = STARTED_AT + 1000


def over(serial: int, **changes: object) -> CallRecord:
    legs = {"leg_gone": True, "rtc_gone": True}
    return record(serial, phase=Phase.ENDED, **{"ended_at": STARTED_AT + 100, **legs, **changes})


async def left(store: Store) -> list[str]:
    return [call.ref for _, call in await store.history(Filter(100))]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path)
    yield opened
    await opened.close()


async def test_a_call_that_ended_long_ago_is_forgotten_with_all_that_was_said(store: Store) -> None:
    call, events = begun(over(1), turns=3)
    await store.save(call, events)
    await store.delivered(str(call.call_id), call.sequence)
    assert await store.forget(STARTED_AT + 100) == 0
    assert await store.turns(call)
    assert await store.forget(STARTED_AT + 100.1) == 1
    assert await store.turns(call) == []
    assert await store.call(str(call.call_id)) is None


async def test_what_the_bridge_has_not_got_is_kept_however_old(store: Store) -> None:
    call, events = begun(over(1), turns=1)
    await store.save(call, events)
    await store.delivered(str(call.call_id), call.sequence - 1)
    assert await store.forget(LATER) == 0
    await store.delivered(str(call.call_id), call.sequence)
    assert await store.forget(LATER) == 1


@pytest.mark.parametrize("changes", [{"leg_gone": False}, {"phase": Phase.TALKING, "ended_at": None}])
async def test_a_call_that_is_not_settled_is_kept(store: Store, changes: dict[str, object]) -> None:
    await store.save(over(1).model_copy(update=changes), [])
    assert await store.forget(LATER) == 0


async def test_a_call_that_was_never_given_an_id_is_forgotten_too(store: Store) -> None:
    await store.save(over(1, call_sid=None), [])
    assert await store.forget(LATER) == 1
    assert await store.call_of("ref_1") is None


async def test_many_calls_are_forgotten_a_few_at_a_time(store: Store) -> None:
    for serial in range(1, 71):
        await store.save(over(serial), [])
    assert [await store.forget(LATER) for _ in range(3)] == [50, 20, 0]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 400)), max_size=8), st.integers(0, 400)
)
async def test_exactly_what_is_old_settled_and_delivered_goes(
    calls: list[tuple[bool, bool, int]], age: int
) -> None:
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        try:
            kept = []
            for serial, (settled, delivered, ended) in enumerate(calls, 1):
                call, events = begun(over(serial, ended_at=STARTED_AT + ended, leg_gone=settled))
                await store.save(call, events)
                if delivered:
                    await store.delivered(str(call.call_id), call.sequence)
                if not (settled and delivered and max(ended, serial) < age):
                    kept.append(call.ref)
            while await store.forget(STARTED_AT + age):
                pass
            assert sorted(await left(store)) == sorted(kept)
        finally:
            await store.close()
