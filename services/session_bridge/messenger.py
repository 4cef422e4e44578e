"""The messenger: brings answers that came after their call to the owner's chat."""

import asyncio
import time
from contextlib import suppress

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

GIVE_UP_SECONDS = 3600
"""How late an answer may be sent: it stands in the agent's conversation anyway."""


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
        self._fault = ""

    def hurry(self) -> None:
        """Look now: something may have come, or what was in the way may be gone."""
        self._hurry.set()

    async def run(self) -> None:
        """Send, for ever."""
        while True:
            self._hurry.clear()
            pause: float | None = self._pause_seconds
            with suppress(DatabaseError):
                tried = [await self._send(answer) for answer in await self._late_answers.waiting()]
                pause = None if all(tried) else self._pause_seconds
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._hurry.wait()

    async def _send(self, answer: LateAnswer) -> bool:
        """Send an answer; True if nothing is left to be done about it."""
        with structlog.contextvars.bound_contextvars(call_id=answer.call_id):
            try:
                outcome = "sent" if await self._sent(answer) else "nowhere"
            except (CannotWriteYetError, GatewayRefusedError) as error:
                if str(error) != self._fault:
                    log.warning("late_answer_not_sent", fault=str(error))
                self._fault = str(error)
                if time.time() < answer.came_at + GIVE_UP_SECONDS:
                    return False
                outcome = "given_up"
            log.info("late_answer_done", outcome=outcome)
            self._metrics.late_answers.labels(outcome).inc()
            await self._late_answers.done(answer)
            return True

    async def _sent(self, answer: LateAnswer) -> bool:
        if answer.session_key is None:
            raise CannotWriteYetError("It is not known yet which conversation the call belongs to.")
        return await self._chat.send(answer.session_key, answer.message, answer.event_id)
