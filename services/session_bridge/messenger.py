"""The messenger: brings answers that came after their call to the owner's chat."""

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

import structlog

from services.session_bridge.adapters.late_answers import LateAnswers
from services.session_bridge.adapters.openclaw.chat import Chat
from services.session_bridge.adapters.openclaw.socket import GatewayRefusedError
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain.late_answer import LateAnswer
from services.session_bridge.metrics import Metrics
from shared.database import DatabaseError

log = structlog.get_logger()

PAUSE_SECONDS = 15
"""How long to wait until what could not be sent is tried again."""

REFUSED_SECONDS = 3600
"""How long to try what the gateway refuses: just after its start it refuses what it takes later."""

WANTED_SECONDS = 86400
"""How late an answer may be sent: it stands in the agent's conversation anyway."""


@dataclass
class _Attempts:
    """What has come of the attempts to send an answer: why none succeeded, or what is left to be noted."""

    fault: str = ""
    refused_at: float | None = None
    outcome: str | None = None


class Messenger:
    """Send what waits, and what is to come.

    Args:
        late_answers: what is to be sent.
        chat: the way to the owner.
        metrics: counts what becomes of it.
        pause_seconds: how long to wait until the next attempt.
    """

    def __init__(
        self, late_answers: LateAnswers, chat: Chat, metrics: Metrics, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._late_answers = late_answers
        self._chat = chat
        self._metrics = metrics
        self._pause_seconds = pause_seconds
        self._hurry = asyncio.Event()
        self._attempts: defaultdict[str, _Attempts] = defaultdict(_Attempts)

    def hurry(self) -> None:
        """Look now: something may have come, or what was in the way may be gone."""
        self._hurry.set()

    async def run(self) -> None:
        """Send, for ever."""
        await self._chat.looked_for()  # Else an answer of yesterday would be given up without an attempt.
        while True:
            self._hurry.clear()
            pause: float | None = self._pause_seconds
            with suppress(DatabaseError):
                waiting = await self._late_answers.waiting()
                tried = [await self._try(event_id, call_id) for event_id, call_id in waiting]
                pause = None if all(tried) else self._pause_seconds
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._hurry.wait()

    async def _try(self, event_id: str, call_id: str) -> bool:
        """Try to send an answer; True if nothing is left to be done about it."""
        with structlog.contextvars.bound_contextvars(call_id=call_id):
            # Whatever is raised, a bug of ours too, must neither end the task nor keep the others back.
            [error] = await asyncio.gather(self._settle(event_id), return_exceptions=True)
            if error is not None:
                self._tell(self._attempts[event_id], error)
            return error is None

    async def _settle(self, event_id: str) -> None:
        """Send an answer, or give it up, and note it; if only noting fails, it is not sent again."""
        attempts = self._attempts[event_id]
        if attempts.outcome is None:
            attempts.outcome = await self._outcome(await self._late_answers.read(event_id), attempts)
            log.info("late_answer_done", outcome=attempts.outcome)
            self._metrics.late_answers.labels(attempts.outcome).inc()
        await self._late_answers.done(event_id)
        del self._attempts[event_id]

    async def _outcome(self, answer: LateAnswer, attempts: _Attempts) -> str:
        try:
            return "sent" if await self._sent(answer) else "nowhere"
        except (CannotWriteYetError, GatewayRefusedError) as error:
            now = time.time()
            if isinstance(error, GatewayRefusedError):
                attempts.refused_at = attempts.refused_at or now
            is_refused = attempts.refused_at is not None and now >= attempts.refused_at + REFUSED_SECONDS
            if not is_refused and now < answer.came_at + WANTED_SECONDS:
                raise
            self._tell(attempts, error)
            return "given_up"

    async def _sent(self, answer: LateAnswer) -> bool:
        if answer.session_key is None:
            raise CannotWriteYetError("It is not known yet which conversation the call belongs to.")
        return await self._chat.send(answer.session_key, answer.message, answer.event_id)

    def _tell(self, attempts: _Attempts, error: BaseException) -> None:
        """Log why an answer was not sent, each reason once."""
        fault, attempts.fault = attempts.fault, str(error)
        if attempts.fault == fault:
            return
        if isinstance(error, CannotWriteYetError | GatewayRefusedError):
            log.warning("late_answer_not_sent", fault=attempts.fault)
        elif isinstance(error, DatabaseError):
            log.warning("journal_unusable", error=attempts.fault)
        else:
            log.error("late_answer_broke", exc_info=error)
