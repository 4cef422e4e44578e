"""Tails: everybody who follows the calls live reads the same journal, each at a place of its own.

The newest records are held in memory as ready-made frames. A reader is a position among them; one that falls
behind reads on from disk, and nobody waits for it.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import NamedTuple

import structlog

from services.session_bridge.adapters.journal import Journal, Record
from services.session_bridge.adapters.running_calls import RunningCalls
from shared.database import DatabaseError
from shared.events import TranscriptPartial

log = structlog.get_logger()

PAGE = 256
KEPT = 4096


class Frame(NamedTuple):
    """One server-sent event. A partial has no id of its own; its number is that of the record before it."""

    number: int
    call_id: str
    session_key: str | None
    type: str
    encoded: bytes
    is_partial: bool = False


class Scope(NamedTuple):
    """What a reader wants to see: one call, one conversation, or all."""

    call_id: str | None = None
    session_key: str | None = None
    partials: bool = False

    def takes(self, frame: Frame) -> bool:
        """Tell whether a frame is wanted."""
        return (
            (self.call_id is None or self.call_id == frame.call_id)
            and (self.session_key is None or self.session_key == frame.session_key)
            and (self.partials or not frame.is_partial)
        )


class Tails:
    """Let any number of readers follow the journal.

    Args:
        journal: the journal.
        wake_seconds: readers get an empty batch that often when nothing happens, to look whether their client
            is still there.
        page: how many records are read or sent at once.
        kept: how many frames at least are held in memory.
    """

    def __init__(self, journal: Journal, wake_seconds: float, page: int = PAGE, kept: int = KEPT) -> None:
        self._journal = journal
        self._wake_seconds = wake_seconds
        self._page = page
        self._kept = kept
        self._frames: list[Frame] = []
        self._first = 0  # the position of _frames[0]
        self._floor = 0  # all records behind this number are in _frames
        self._head = 0
        self._readers = 0
        self._closed = False
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Take over what is added to the journal while somebody reads, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wake_seconds):
                    await self._journal.grown.wait()
            self._journal.grown.clear()
            try:
                if self._readers:
                    await self._read_on()
            except DatabaseError as error:
                log.warning("journal_unreadable", error=str(error))
            self._wake()

    def publish(self, partial: TranscriptPartial, session_key: str | None) -> None:
        """Show a turn's text so far to those who are there now."""
        if not self._readers:
            return
        record = Record(
            self._head, partial.call_id, session_key, partial.event_type, partial.model_dump_json().encode()
        )
        self._frames.append(_frame(record, is_partial=True))
        self._wake()

    def forget(self) -> None:
        """Hold nothing in memory: readers who want what was held find it in the journal, if it is there."""
        self._first += len(self._frames)
        self._frames.clear()
        self._floor = self._head

    async def beginning(self, after: int | None) -> int:
        """Tell where a reader begins: behind the number it saw last, else with what comes next."""
        last = await self._journal.last_number()
        if not self._readers:
            self._head = last
            self.forget()
        return last if after is None else min(after, last)

    async def running(self) -> RunningCalls:
        """Tell where a reader begins who is to see the calls that run from their first event."""
        await self.beginning(None)
        return await RunningCalls.now(self._journal)

    async def follow(self, scope: Scope, number: int) -> AsyncGenerator[list[Frame], None]:
        """Yield what the scope takes behind a number, nothing lost and nothing twice."""
        self._readers += 1
        self._journal.grown.set()
        place = -1
        try:
            while not self._closed:
                changed = self._changed
                if number > self._head:
                    await changed.wait()
                    continue
                if place < self._first and number < self._floor:
                    records, number = await self._journal.after(
                        number, self._page, call_id=scope.call_id, session_key=scope.session_key
                    )
                    yield [_frame(record) for record in records]
                    continue
                if place < self._first:
                    place = self._first + bisect_right(self._frames, number, key=lambda frame: frame.number)
                start = place - self._first
                if batch := self._frames[start : start + self._page]:
                    place, number = place + len(batch), batch[-1].number
                else:
                    await changed.wait()
                yield [frame for frame in batch if scope.takes(frame)]
        finally:
            self._readers -= 1

    async def follow_running(self, scope: Scope, calls: RunningCalls) -> AsyncGenerator[list[Frame], None]:
        """Yield what these calls had told, then what all tell since, nothing lost and nothing twice."""
        number = 0
        while records := await calls.told(number, self._page):
            number = records[-1].number
            yield [frame for frame in map(_frame, records) if scope.takes(frame)]
        async with aclosing(self.follow(scope, calls.number)) as onward:
            async for batch in onward:
                yield batch

    def close(self) -> None:
        """End all readers."""
        self._closed = True
        self._wake()

    async def _read_on(self) -> None:
        records, self._head = await self._journal.after(self._head, self._page)
        if len(records) == self._page:
            self._journal.grown.set()
        self._frames += [_frame(record) for record in records]
        if len(self._frames) > 2 * self._kept:
            dropped = self._frames[: -self._kept]
            del self._frames[: -self._kept]
            self._first += len(dropped)
            self._floor = dropped[-1].number

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _frame(record: Record, *, is_partial: bool = False) -> Frame:
    number, call_id, session_key, kind, json = record
    name = b"" if is_partial else b"id: %d\n" % number
    encoded = b"%bevent: %b\ndata: %b\n\n" % (name, kind.encode(), json)
    return Frame(number, call_id, session_key, kind, encoded, is_partial)
