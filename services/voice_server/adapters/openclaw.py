"""The user's OpenClaw agent, asked over its gateway's HTTP endpoint."""

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

import aiohttp
import structlog
from aiohttp.http import HttpProcessingError

from services.voice_server.adapters import openclaw_errors
from services.voice_server.adapters.openclaw_errors import (
    OpenClawRefusedError,
    OpenClawSlowError,
)
from services.voice_server.adapters.openclaw_stream import read_answer
from shared.openclaw_config import OpenClawConfigError

log = structlog.get_logger()

PATIENCE_SECONDS = 600
"""How long a question may take; OpenClaw gives its own runs as long."""

_CONNECT_SECONDS = 3
_LONGEST_REFUSAL_BYTES = 16_384


class OpenClaw:
    """Ask the agent in its conversations: one question at a time in each, side by side in different ones.

    Args:
        http: the client to use.
        gateway: tells the gateway's URL and token, each time anew: the user may change them.
        agent_id: which of the user's agents.
        patience_seconds: how long an answer may take, counted from when the question goes out.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        gateway: Callable[[], tuple[str, str | None]],
        agent_id: str,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._http = http
        self._gateway = gateway
        self._agent_id = agent_id
        self._patience_seconds = patience_seconds
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

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
            except TimeoutError as error:
                raise OpenClawSlowError from error

    async def _ask(self, session_key: str, request: str) -> str:
        if not (session_key.isascii() and session_key.isprintable()):
            # Sent as UTF-8 and read as Latin-1, it would silently name another conversation.
            raise OpenClawRefusedError(
                "This conversation cannot be asked in: its key has letters that are not ASCII; "
                "see session.identityLinks in openclaw.json."
            )
        url, headers = await self._door()
        body = {"model": "openclaw", "stream": True, "messages": [{"role": "user", "content": request}]}
        headers["x-openclaw-session-key"] = session_key
        try:
            async with self._http.post(
                f"{url}/v1/chat/completions",
                json=body,
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as answer:
                if answer.status != 200 or answer.content_type != "text/event-stream":
                    log.warning("openclaw_refused", status=answer.status)
                    raise openclaw_errors.refused(answer.status, await _beginning(answer.content))
                return await read_answer(answer.content)
        except (aiohttp.ClientError, HttpProcessingError, ValueError) as error:
            log.warning("openclaw_unreachable", fault=type(error).__name__)
            raise openclaw_errors.lost(error) from error

    async def _door(self) -> tuple[str, dict[str, str]]:
        try:
            url, token = await asyncio.to_thread(self._gateway)
        except OpenClawConfigError as error:
            log.warning("openclaw_config_unreadable", fault=str(error))
            raise OpenClawRefusedError(
                "The agent cannot be found: OpenClaw's configuration cannot be read; the log says where."
            ) from error
        headers = {"x-openclaw-agent-id": self._agent_id}
        return url, {**headers, "Authorization": f"Bearer {token}"} if token else headers


async def _beginning(body: aiohttp.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await body.read(_LONGEST_REFUSAL_BYTES)
    except TimeoutError:
        return b""


_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
