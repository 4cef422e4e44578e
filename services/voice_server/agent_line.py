"""The user's agent as one call deals with it: what it remembers, and what it is asked."""

import asyncio
from collections.abc import Callable

import structlog

from services.voice_server.adapters.openclaw_errors import OpenClawError
from services.voice_server.domain import signals as s
from services.voice_server.domain.background import background
from services.voice_server.domain.commands import AskOpenClaw, DropQuestion
from services.voice_server.domain.instructions import ASK_OPENCLAW, tools
from services.voice_server.domain.policy import Trust
from services.voice_server.peers import Peers
from shared.tasks import Tasks

log = structlog.get_logger()

BACKGROUND_SECONDS = 0.3
"""How long a caller is kept waiting at most for what the agent remembers of them."""

SESSION_SECONDS = 2
"""How long a question waits until the bridge has said which OpenClaw session it belongs to."""


class AgentLine:
    """Remember for one call, and put its questions to the agent.

    Args:
        peers: whom the call deals with.
        trust: whether there will be questions.
        tell: takes what becomes of a question.
    """

    def __init__(self, peers: Peers, trust: Trust, tell: Callable[[s.Signal], None]) -> None:
        self._peers = peers
        self._trust = trust
        self._tell = tell
        self._session_key: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._background: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked: dict[str, asyncio.Task[None]] = {}

    @property
    def is_asking(self) -> bool:
        """Tell whether an answer is still to come."""
        return bool(self._asked)

    def belongs_to(self, session_key: str, tasks: Tasks) -> None:
        """Learn which OpenClaw session the call belongs to; while the phone rings, see what it holds."""
        if self._session_key.done():
            return
        self._session_key.set_result(session_key)
        tasks.start(self._remember(session_key), name="memory")
        if ASK_OPENCLAW in tools(self._trust):
            tasks.start(self._peers.openclaw.prepare(), name="prepare_openclaw")

    async def background(self) -> str:
        """Quote what was said before the call; without it, if it comes too late.

        A bridge that has just failed is not waited for.
        """
        if self._peers.outbox.is_failing and not self._background.done():
            return ""
        try:
            async with asyncio.timeout(BACKGROUND_SECONDS):
                return await asyncio.shield(self._background)
        except TimeoutError:
            log.info("memory_too_late", waited_seconds=BACKGROUND_SECONDS)
            return ""

    def ask(self, question: AskOpenClaw, tasks: Tasks) -> None:
        """Put a question; what comes of it is told as `ToolAnswered`, unless it is dropped."""
        work = self._ask(question.tool_call_id, question.request)
        self._asked[question.tool_call_id] = tasks.start(work, name="ask_openclaw")

    def drop(self, question: DropQuestion) -> None:
        """Stop asking."""
        if task := self._asked.pop(question.tool_call_id, None):
            task.cancel()

    async def _remember(self, session_key: str) -> None:
        self._background.set_result(background(await self._peers.memory.newest(session_key)))

    async def _ask(self, tool_call_id: str, request: str) -> None:
        try:
            async with asyncio.timeout(SESSION_SECONDS):
                session_key = await asyncio.shield(self._session_key)
            answer = await self._peers.openclaw.ask(session_key, request)
        except TimeoutError:
            self._tell(s.ToolAnswered(tool_call_id, ok=False, output="The agent cannot be reached just now."))
        except OpenClawError as error:
            self._peers.metrics.peer_failed("openclaw", error)
            self._tell(s.ToolAnswered(tool_call_id, ok=False, output=str(error)))
        else:
            self._tell(s.ToolAnswered(tool_call_id, ok=True, output=answer))
        finally:
            self._asked.pop(tool_call_id, None)
