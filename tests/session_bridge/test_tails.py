import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.session_bridge.adapters.journal import Journal
from services.session_bridge.tails import Frame, Scope, Tails
from shared.events import TranscriptPartial
from shared.tasks import Tasks
from tests.session_bridge.calls import CALL, Json, call, kept, partial, read, said
from tests.session_bridge.unreliable import UnreliableJournal

ALL = Scope(partials=True)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[UnreliableJournal]:
    opened = UnreliableJournal(tmp_path / "bridge.sqlite")
    opened.failing = set()
    yield opened
    await opened.close()


@asynccontextmanager
async def running(tails: Tails) -> AsyncIterator[Tails]:
    async with Tasks() as tasks:
        tasks.start(tails.run(), name="tails")
        yield tails


@pytest.fixture
async def tails(journal: Journal) -> AsyncIterator[Tails]:
    async with running(Tails(journal, wake_seconds=0.05)) as made:
        yield made


@pytest.fixture
async def forgetful(journal: Journal) -> AsyncIterator[Tails]:
    async with running(Tails(journal, wake_seconds=0.05, page=5, kept=8)) as made:
        yield made


async def speak(journal: Journal, first: int, last: int) -> None:
    for place in range(first, last + 1):
        data = said(f"user: {place}", f"item_{place}")
        await journal.accept(read(kept(CALL, place, "transcript_update", data)), "agent:main:main")


async def numbers(tails: Tails, after: int, last: int, scope: Scope = ALL) -> list[int]:
    seen: list[int] = []
    async with asyncio.timeout(5), aclosing(tails.follow(scope, after)) as batches:
        async for batch in batches:
            seen += [frame.number for frame in batch]
            if last in seen:
                break
    return seen


@pytest.mark.parametrize("after", [0, 3, 17, 40])
async def test_a_reader_behind_what_memory_holds_reads_on_from_disk(
    journal: Journal, forgetful: Tails, after: int
) -> None:
    await speak(journal, 1, 40)
    reading = asyncio.gather(numbers(forgetful, after, 50), numbers(forgetful, after, 50, Scope(CALL)))
    await speak(journal, 41, 50)
    assert list(await reading) == [list(range(after + 1, 51))] * 2


async def test_a_reader_that_falls_behind_while_it_sends_loses_nothing(
    journal: Journal, forgetful: Tails
) -> None:
    seen: list[int] = []
    async with aclosing(forgetful.follow(ALL, 0)) as slow:
        await speak(journal, 1, 2)
        while 2 not in seen:
            seen += [frame.number for frame in await anext(slow)]
        await speak(journal, 3, 30)
        assert await numbers(forgetful, 0, 30) == list(range(1, 31))
        while 30 not in seen:
            seen += [frame.number for frame in await anext(slow)]
    assert seen == list(range(1, 31))


CALLS = {name: call("user: hi", call_id=name) for name in ("CA1", "CA2", "CA3")}
LAST = call(call_id="CA4")[0]


async def seen_while_told(path: Path, events: list[Json], before: int) -> tuple[int, list[Frame]]:
    """Come when so many events have been told, read on to LAST; where the reader began, and what it saw."""
    journal, come = Journal(path), asyncio.Event()
    seen: list[Frame] = []

    async def tell() -> None:
        for event in events[before:]:
            await journal.accept(read(event), None)
        await come.wait()
        await journal.accept(read(LAST), None)

    async def follow(tails: Tails) -> int:
        calls = await tails.running()
        come.set()
        async with asyncio.timeout(5), aclosing(tails.follow_running(ALL, calls)) as batches:
            while not seen or seen[-1].call_id != LAST["callId"]:
                seen.extend(await anext(batches))
        return calls.number

    async with running(Tails(journal, wake_seconds=0.05, page=2, kept=4)) as tails:
        for event in events[:before]:
            await journal.accept(read(event), None)
        began, _ = await asyncio.gather(follow(tails), tell())
    await journal.close()
    return began, seen


@settings(max_examples=50)
@given(st.permutations([name for name, events in CALLS.items() for _ in events]), st.integers(0, 9))
def test_a_reader_of_running_calls_sees_them_in_whole_and_in_order_whatever_is_told_meanwhile(
    order: list[str], before: int
) -> None:
    left = {name: iter(events) for name, events in CALLS.items()}
    events = [next(left[name]) for name in order]
    with TemporaryDirectory() as folder:
        began, seen = asyncio.run(seen_while_told(Path(folder) / "bridge.sqlite", events, before))
    ends = {name: max(n for n, teller in enumerate(order, 1) if teller == name) for name in CALLS}
    wanted = [n for n, teller in enumerate(order, 1) if ends[teller] > began >= before]
    assert [frame.number for frame in seen] == [*wanted, len(order) + 1]


async def test_a_partial_stands_where_it_was_said(journal: Journal, tails: Tails) -> None:
    shown: list[tuple[int, bool]] = []
    async with aclosing(tails.follow(ALL, 0)) as batches:
        await speak(journal, 1, 1)
        while not shown:
            shown += [(frame.number, frame.is_partial) for frame in await anext(batches)]
        tails.publish(TranscriptPartial.model_validate(partial("user: h")), None)
        await speak(journal, 2, 2)
        while (2, False) not in shown:
            shown += [(frame.number, frame.is_partial) for frame in await anext(batches)]
    assert shown == [(1, False), (1, True), (2, False)]


async def test_a_journal_that_fails_for_a_moment_is_read_on(journal: UnreliableJournal, tails: Tails) -> None:
    journal.failing = {"after"}
    await speak(journal, 1, 2)
    assert await numbers(tails, 0, 2) == [1, 2]


async def test_closing_ends_every_reader(tails: Tails) -> None:
    async def ended() -> bool:
        return [frame async for batch in tails.follow(ALL, 0) for frame in batch] == []

    reading = asyncio.gather(ended(), ended())
    await asyncio.sleep(0)
    tails.close()
    assert all(await reading)
