"""Delivery: what was said in an ended call goes into OpenClaw, however often that has to be tried."""

import asyncio
from collections.abc import Callable

import structlog

from services.session_bridge.adapters.journal import Journal
from services.session_bridge.adapters.openclaw_folder import CannotWriteYetError
from services.session_bridge.adapters.openclaw_jsonl import JsonlStore
from services.session_bridge.adapters.session_keys import SessionKeys
from services.session_bridge.domain import transcript
from services.session_bridge.domain.session import Session, State
from services.session_bridge.metrics import Metrics
from shared.database import DatabaseError
from shared.tasks import Tasks

log = structlog.get_logger()


def backoff(attempts: int) -> float:
    """Tell how many seconds to wait after that many failures: 0.2, 0.4 … 60."""
    return float(min(0.2 * 2 ** min(attempts - 1, 10), 60))


class Delivery:
    """Write ended calls; the journal remembers which are still to be written.

    Args:
        journal: where the calls are.
        keys: decides the key of a call that has none.
        store: where they go.
        metrics: counts the attempts.
        pause: seconds to wait after so many failed attempts.
    """

    def __init__(
        self,
        journal: Journal,
        keys: SessionKeys,
        store: JsonlStore,
        metrics: Metrics,
        pause: Callable[[int], float] = backoff,
    ) -> None:
        self._journal = journal
        self._keys = keys
        self._store = store
        self._metrics = metrics
        self._pause = pause
        self._tasks = Tasks()
        self._running: set[str] = set()

    async def resume(self) -> None:
        """Take up again what an earlier process left."""
        for session in reversed(await self._journal.sessions(State.SYNCING, State.FAILED)):
            self.start(session.call_id)

    def start(self, call_id: str) -> None:
        """See to it that an ended call is written, in the background; once is enough."""
        if call_id not in self._running:
            self._running.add(call_id)
            self._tasks.start(self._deliver(call_id), name=f"deliver {call_id}")

    async def close(self) -> None:
        """Stop; the write that runs is finished first."""
        await self._tasks.cancel()
        await self._store.close()

    async def attempt(self, call_id: str) -> tuple[Session, int]:
        """Try once, now: the session as it is afterwards, and how many messages this attempt brought in.

        Raises:
            DatabaseError: the journal cannot be used.
        """
        session = await self._session(call_id)
        if session.state in {State.ACTIVE, State.SYNCED}:
            return session, 0
        try:
            messages = await self._write(session)
        except CannotWriteYetError as error:
            log.warning("write_postponed", reason=str(error), attempts=session.attempts + 1)
            self._metrics.writes.labels("postponed").inc()
            await self._journal.failed(call_id, str(error))
            return await self._session(call_id), 0
        return await self._session(call_id), messages

    async def _write(self, session: Session) -> int:
        key = session.session_key
        if key is None:
            key = await self._keys.decide(session.phone_number, session.call_id)
            await self._journal.freeze_key(session.call_id, key)
        messages = transcript.block(session.call_id, await self._journal.turns(session.call_id))
        if messages:
            with self._metrics.write_seconds.time():
                await self._store.write(key, session.call_id, messages)
        if not await self._journal.synced(session.call_id, key, len(messages)):
            return 0
        self._metrics.writes.labels("written" if messages else "nothing_said").inc()
        self._metrics.messages.inc(len(messages))
        log.info("session_synced", session_key=key, messages=len(messages))
        return len(messages)

    async def _deliver(self, call_id: str) -> None:
        try:
            with structlog.contextvars.bound_contextvars(call_id=call_id):
                failures = 0
                while await self._is_open(call_id):
                    failures += 1
                    await asyncio.sleep(self._pause(failures))
        finally:
            self._running.discard(call_id)

    async def _is_open(self, call_id: str) -> bool:
        try:
            session, _ = await self.attempt(call_id)
        except DatabaseError as error:
            log.warning("journal_unusable", error=str(error))
            return True
        return session.state in {State.SYNCING, State.FAILED}

    async def _session(self, call_id: str) -> Session:
        session = await self._journal.session(call_id)
        assert session is not None  # noqa: S101 - only calls of the journal are delivered
        return session
