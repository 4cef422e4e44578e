"""The user's OpenClaw agent, asked over its gateway's HTTP endpoint."""

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import structlog
from aiohttp.http import HttpProcessingError
from pydantic import BaseModel

from shared.openclaw_config import OpenClawConfigError

log = structlog.get_logger()


LONGEST_ANSWER = 16_000
"""How many characters of an answer the model gets to read."""


class OpenClawError(Exception):
    """The agent could not be asked; the text is fit for the model to read."""


class OpenClaw:
    """Ask the agent in one of its sessions.

    Args:
        http: the client to use.
        gateway: tells the gateway's URL and token, each time anew: the user may change them.
        agent_id: which of the user's agents.
        timeout_seconds: how long an answer may take.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        gateway: Callable[[], tuple[str, str | None]],
        agent_id: str,
        timeout_seconds: float,
    ) -> None:
        self._http = http
        self._gateway = gateway
        self._agent_id = agent_id
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=3)

    async def ask(self, session_key: str, request: str) -> str:
        """Ask, and return the whole answer. The question and the answer become part of that session.

        Raises:
            OpenClawError: no gateway, no answer in time, or an error of the agent's.
        """
        try:
            url, token = await asyncio.to_thread(self._gateway)
        except OpenClawConfigError as error:
            log.warning("openclaw_config_unreadable", fault=str(error))
            raise OpenClawError("The agent cannot be found: its configuration is broken.") from error
        headers = {"x-openclaw-session-key": session_key, "x-openclaw-agent-id": self._agent_id}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = {"model": "openclaw", "stream": True, "messages": [{"role": "user", "content": request}]}
        try:
            async with self._http.post(
                f"{url}/v1/chat/completions", json=body, headers=headers, timeout=self._timeout
            ) as answer:
                if answer.status != 200:
                    log.warning("openclaw_refused", status=answer.status)
                    raise OpenClawError(_REASONS.get(answer.status, "The agent reported an error."))
                text = "".join([part async for part in _parts(answer)]).strip()
        except TimeoutError as error:
            raise OpenClawError("The agent did not answer in time.") from error
        except (aiohttp.ClientError, HttpProcessingError, ValueError) as error:
            log.warning("openclaw_unreachable", fault=type(error).__name__)
            raise OpenClawError("The agent cannot be reached at the moment.") from error
        if not text:
            raise OpenClawError("The agent gave no answer.")
        return text if len(text) <= LONGEST_ANSWER else f"{text[:LONGEST_ANSWER]} … (the rest is left out)"


_REASONS = {
    401: "The agent does not let us in: its gateway token is wrong.",
    404: "The agent's gateway has its chat endpoint switched off.",
}


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    delta: _Delta | None = None


class _Chunk(BaseModel):
    choices: list[_Choice] | None = None
    error: object = None


async def _parts(answer: aiohttp.ClientResponse) -> AsyncIterator[str]:
    async for line in answer.content:
        data = line.strip().removeprefix(b"data:").strip()
        if not line.startswith(b"data:") or data == b"[DONE]":
            continue
        chunk = _Chunk.model_validate_json(data)
        if chunk.error is not None:
            raise OpenClawError("The agent reported an error.")
        for choice in chunk.choices or []:
            yield (choice.delta and choice.delta.content) or ""
