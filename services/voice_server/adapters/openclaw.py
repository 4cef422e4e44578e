"""The user's OpenClaw agent, asked over its gateway's HTTP endpoint."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

import aiohttp
import structlog
from aiohttp.http import HttpProcessingError

from services.voice_server.adapters import openclaw_errors
from services.voice_server.adapters.openclaw_cli import OpenClawCommand
from services.voice_server.adapters.openclaw_errors import (
    NothingListensError,
    OpenClawError,
    OpenClawRefusedError,
    OpenClawSlowError,
    OpenClawUnreachableError,
)
from services.voice_server.adapters.openclaw_stream import read_answer
from shared.openclaw_config import OpenClawConfigError

log = structlog.get_logger()

PATIENCE_SECONDS = 600
"""How long a question may take; OpenClaw gives its own runs as long."""

PREPARING_SECONDS = 3
"""How long preparing may take, and how long a gateway then counts as prepared."""

_REFUSED_SECONDS = 60
"""How long nothing is prepared after a refusal: a gateway counts wrong tokens and then lets nobody in."""

_KEEP_ALIVE_SECONDS = 4
"""How long an idle connection is kept. The gateway keeps it 5 s; what was on its way then would be lost."""

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=PREPARING_SECONDS)
_LONGEST_REFUSAL_BYTES = 16_384


def gateway_client() -> aiohttp.ClientSession:
    """Open a client for the gateway: what comes back is neither unpacked nor kept."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


class OpenClaw:
    """Ask the agent in its conversations: one question at a time in each, side by side in different ones.

    Args:
        http: the client to use, a `gateway_client`.
        gateway: tells the gateway's URL and token, each time anew: the user may change them.
        agent_id: which of the user's agents.
        command: is asked as long as no gateway has ever been there; None: never.
        patience_seconds: how long an answer may take, counted from when the question goes out.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        gateway: Callable[[], tuple[str, str | None]],
        agent_id: str,
        command: OpenClawCommand | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._http = http
        self._gateway = gateway
        self._agent_id = agent_id
        self._command = command
        self._patience_seconds = patience_seconds
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._prepared_until = 0.0
        self._warned_of: set[str] = set()

    async def ask(self, session_key: str, request: str) -> str:
        """Ask, and return the whole answer. The question and the answer become part of that conversation.

        A question waits until those before it in the same conversation are answered. Cancelling it stops the
        agent's work on it.

        Raises:
            OpenClawError: no gateway, no answer in time, only a part of it, or an error of the agent's.
        """
        async with self._lines.setdefault(session_key, asyncio.Lock()):
            try:
                async with asyncio.timeout(self._patience_seconds):
                    return await self._ask(session_key, request)
            except OpenClawError as error:
                cause = {"cause": type(error.__cause__).__name__} if error.__cause__ else {}
                log.warning("openclaw_failed", fault=str(error), **cause)
                raise
            except TimeoutError as error:
                raise OpenClawSlowError from error

    async def prepare(self) -> None:
        """Have the gateway ready for a question, and warn in the log of what would keep it from answering.

        For many calls at once it is done once.
        """
        now = asyncio.get_running_loop().time()
        if now < self._prepared_until:
            return
        self._prepared_until = now + PREPARING_SECONDS
        try:
            async with asyncio.timeout(PREPARING_SECONDS):
                await self.try_the_door()
        except OpenClawRefusedError as error:
            self._prepared_until = now + _REFUSED_SECONDS
            self._warn_of(error)
        except OpenClawError as error:
            self._warn_of(error)
        except TimeoutError:
            self._warn_of(OpenClawUnreachableError())
        else:
            self._warned_of.clear()

    def _warn_of(self, error: OpenClawError) -> None:
        if str(error) not in self._warned_of:
            self._warned_of.add(str(error))
            by_command = self._command and isinstance(error, NothingListensError)
            consequence = (
                "the agent is asked by command, slowly" if by_command else "nobody can ask the agent"
            )
            log.warning("openclaw_not_ready", consequence=consequence, fault=str(error))

    async def try_the_door(self) -> None:
        """See whether the agent could be asked, without asking it; raises `OpenClawError` as `ask` does."""
        # A request without a message passes every check before it is refused, and wakes no agent.
        async with self._post([], {}) as answer:
            refusal = await _beginning(answer.content)
            if answer.status != 400 or b"Missing user message" not in refusal:
                raise openclaw_errors.refused(answer.status, refusal)

    async def _ask(self, session_key: str, request: str) -> str:
        if not (session_key.isascii() and session_key.isprintable()):
            # Sent as UTF-8 and read as Latin-1, it would silently name another conversation.
            raise OpenClawRefusedError(
                "This conversation cannot be asked in: its key has letters that are not ASCII; "
                "see session.identityLinks in openclaw.json."
            )
        message = {"role": "user", "content": request}
        try:
            async with self._post([message], {"x-openclaw-session-key": session_key}) as answer:
                if answer.status != 200 or answer.content_type != "text/event-stream":
                    raise openclaw_errors.refused(answer.status, await _beginning(answer.content))
                return await read_answer(answer.content)
        except NothingListensError:
            if self._command is None:
                raise
            return await self._command.ask(session_key, request)

    @asynccontextmanager
    async def _post(
        self, messages: list[dict[str, str]], headers: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url, key = await self._door()
        try:
            async with self._http.post(
                f"{url}/v1/chat/completions",
                json={"model": "openclaw", "stream": True, "messages": messages},
                headers={"x-openclaw-agent-id": self._agent_id, **key, **headers},
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as answer:
                # An agent run by command would get in the way of a gateway that is just starting again.
                self._command = None
                yield answer
        except (aiohttp.ClientError, HttpProcessingError, ValueError) as error:
            raise openclaw_errors.lost(error) from error

    async def _door(self) -> tuple[str, dict[str, str]]:
        try:
            url, token = await asyncio.to_thread(self._gateway)
        except OpenClawConfigError as error:
            raise OpenClawRefusedError(f"OpenClaw's configuration cannot be read: {error}") from error
        return url, {"Authorization": f"Bearer {token}"} if token else {}


async def _beginning(body: aiohttp.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(PREPARING_SECONDS):
            return await body.read(_LONGEST_REFUSAL_BYTES)
    except TimeoutError:
        return b""
