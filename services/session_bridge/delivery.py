"""Delivery: what was said in an ended call goes into OpenClaw, however often that has to be tried.

The calls of one conversation stand in line, the first that ended in front: none overtakes another.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from services.session_bridge.adapters.deliveries import Deliveries
from services.session_bridge.adapters.journal import Journal
from services.session_bridge.adapters.openclaw.store import BusyError, CannotWriteYetError, OpenClawStore
from services.session_bridge.adapters.session_keys import SessionKeys
from services.session_bridge.domain import transcript
from services.session_bridge.domain.session import UNWRITTEN, Session
from services.session_bridge.domain.session_key import agent_of
from services.session_bridge.domain.transcript import Block
from services.session_bridge.metrics import Metrics
from shared.database import DatabaseError
from shared.tasks import Tasks

log = structlog.get_logger()

BUSY_SECONDS = 1
"""How long to wait at most for a turn of the conversation to end: the next one should know the call."""


def backoff(failures: int) -> float:
    """Tell how many seconds to wait after that many failures: 0.2, 0.4 … 60."""
    return float(min(0.2 * 2 ** min(failures - 1, 10), 60))


@dataclass
class _Line:
    """The calls of one conversation that are still to be written; `hurry` ends a pause."""

    calls: deque[str] = field(default_factory=deque)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)


class Delivery:
    """Write ended calls; the journal remembers which are still to be written.

    Args:
        journal: where the calls are.
        deliveries: how far each is.
        keys: decides the key of a call that has none.
        choose: finds the store of an agent, or raises `CannotWriteYetError`.
        metrics: counts the attempts.
        pause_seconds: how long to wait after so many failed attempts.
    """

    def __init__(
        self,
        journal: Journal,
        deliveries: Deliveries,
        keys: SessionKeys,
        choose: Callable[[str], Awaitable[OpenClawStore]],
        metrics: Metrics,
        pause_seconds: Callable[[int], float] = backoff,
    ) -> None:
        self._journal = journal
        self._deliveries = deliveries
        self._keys = keys
        self._choose = choose
        self._metrics = metrics
        self._pause_seconds = pause_seconds
        self._tasks = Tasks()
        self._lines: dict[str | None, _Line] = {}
        self._asked: dict[str, list[asyncio.Future[int]]] = {}

    async def resume(self) -> None:
        """Take up again what an earlier process left."""
        left = (await self._journal.sessions(*UNWRITTEN))[::-1]
        for session in sorted(left, key=lambda session: session.ended_at or 0):
            self.start(session.call_id, session.session_key)

    def start(self, call_id: str, session_key: str | None) -> None:
        """See to it that an ended call is written, in the background; once is enough.

        Calls without a key stand in a line of their own until it is settled, and behind them those that ended
        later: they may be of the same conversation.
        """
        undecided = self._lines.get(None)
        self._stand_in_line(call_id, None if undecided else session_key)
        if undecided:
            undecided.hurry.set()

    def _stand_in_line(self, call_id: str, session_key: str | None) -> None:
        if session_key not in self._lines:
            self._lines[session_key] = _Line()
            self._tasks.start(self._work(session_key), name=f"deliver {session_key}")
        if call_id not in self._lines[session_key].calls:
            self._lines[session_key].calls.append(call_id)

    def hurry(self) -> None:
        """End all pauses: what was in the way may be gone."""
        for line in self._lines.values():
            line.hurry.set()

    async def close(self) -> None:
        """Stop; the write that runs is taken up again by the next process."""
        await self._tasks.cancel()

    async def attempt(self, call_id: str) -> tuple[Session, int]:
        """Try now: the session as it is afterwards, and how many messages this attempt brought in.

        Raises:
            DatabaseError: the journal cannot be used.
        """
        session = await self._session(call_id)
        if not session.is_unwritten:
            return session, 0
        asked: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(call_id, []).append(asked)
        self.start(call_id, session.session_key)
        for key in {None, session.session_key} & self._lines.keys():
            self._lines[key].hurry.set()
        injected = await asked
        return await self._session(call_id), injected

    async def _work(self, session_key: str | None) -> None:
        line, failures = self._lines[session_key], 0
        outcome: int | str | BaseException
        while line.calls:
            call_id = line.calls[0]
            line.hurry.clear()
            with structlog.contextvars.bound_contextvars(call_id=call_id):
                # Whatever is raised, a bug of ours too, must not end the line: the call is tried again.
                work: Coroutine[Any, Any, int | str] = (
                    self._led(call_id) if session_key is None else self._deliver(call_id)
                )
                [outcome] = await asyncio.gather(work, return_exceptions=True)
                if isinstance(outcome, BaseException):
                    failures += 1
                    await self._note(call_id, outcome)
                    self._tell(line.calls, outcome)
                    await self._pause(line, failures, outcome)
                    continue
            failures = 0
            line.calls.popleft()
            if isinstance(outcome, str):
                self._stand_in_line(call_id, outcome)
            else:
                self._tell([call_id], outcome)
        del self._lines[session_key]

    async def _pause(self, line: _Line, failures: int, error: BaseException) -> None:
        longest = BUSY_SECONDS if isinstance(error, BusyError) else math.inf
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._pause_seconds(failures), longest)):
                await line.hurry.wait()

    def _tell(self, calls: Iterable[str], outcome: int | BaseException) -> None:
        """Answer those who wait for an attempt; what cannot be written yet has brought in nothing."""
        for asked in [future for call_id in calls for future in self._asked.pop(call_id, [])]:
            if asked.done():
                continue  # Whoever asked has gone.
            if isinstance(outcome, BaseException) and not isinstance(outcome, CannotWriteYetError):
                asked.set_exception(outcome)
                continue
            asked.set_result(outcome if isinstance(outcome, int) else 0)
            outcome = 0  # What came in, came in for one of them.

    async def _note(self, call_id: str, error: BaseException) -> None:
        """Note why an attempt failed, as far as the disk takes it."""
        if isinstance(error, DatabaseError):
            log.warning("journal_unusable", error=str(error))
            return
        why = str(error)
        if not isinstance(error, CannotWriteYetError):
            log.error("delivery_broke", exc_info=error)
            why = "A fault of ours; the log says more."
        self._metrics.writes.labels("postponed").inc()
        with suppress(DatabaseError):
            if await self._deliveries.failed(call_id, why):
                log.warning("write_postponed", reason=why)

    async def _led(self, call_id: str) -> int | str:
        """Settle the key of a call that may have none yet: the line it belongs to, 0 if it was forgotten."""
        session = await self._journal.session(call_id)
        if session is None:
            return 0
        if session.session_key is not None:
            return session.session_key
        key = await self._keys.decide(session.phone_number, call_id)
        await self._deliveries.freeze_key(call_id, key)
        return key

    async def _deliver(self, call_id: str) -> int:
        """Write a call, unless it was forgotten meanwhile, and tell how many messages came in."""
        session = await self._journal.session(call_id)
        if session is None:
            return 0
        assert session.session_key is not None  # noqa: S101 - else it stands in the line of those without
        return await self._write(session, session.session_key) if session.is_unwritten else 0

    async def _write(self, session: Session, key: str) -> int:
        block = await self._deliveries.begun(session.call_id)
        if block is None:
            said = transcript.messages(session.call_id, await self._journal.turns(session.call_id))
            block = Block(session.call_id, key, said)
        if block.messages:
            store = await self._choose(agent_of(key))
            with self._metrics.write_seconds.time():
                block = replace(block, place=await store.place(block), store=store.name)
                await self._deliveries.begin(block)
                await store.write(block)
        messages = len(block.messages)
        if not await self._journal.synced(session.call_id, key, messages):
            return 0
        self._metrics.writes.labels("written" if messages else "nothing_said").inc()
        self._metrics.messages.inc(messages)
        log.info("session_synced", session_key=key, messages=messages)
        return messages

    async def _session(self, call_id: str) -> Session:
        session = await self._journal.session(call_id)
        assert session is not None  # noqa: S101 - only calls of the journal are delivered
        return session
