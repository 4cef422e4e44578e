"""What the agent remembers of a person: the newest turns of their conversation, told by the bridge."""

from urllib.parse import quote

import aiohttp
import structlog
from pydantic import BaseModel

from services.voice_server.domain.background import MAX_TURNS, PastTurn
from shared.events import Speaker, Timestamp

log = structlog.get_logger()

TIMEOUT_SECONDS = 2

LONGEST_ANSWER_BYTES = 4_000_000
"""What is read of an answer. A turn may be a pasted document, but reading it holds up every call."""


class _Turn(BaseModel):
    role: Speaker
    text: str
    timestamp: Timestamp | None = None


class _Context(BaseModel):
    turns: list[_Turn]


class Memory:
    """Read what was said before a call.

    Args:
        http: the client to use.
        url: the bridge's address.
        headers: what opens the bridge's door.
        timeout_seconds: how long an answer may take.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        headers: dict[str, str],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._http = http
        self._url = url
        self._headers = headers
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def newest(self, session_key: str) -> list[PastTurn]:
        """Read the newest turns, the oldest first; none if they cannot be read."""
        try:
            async with self._http.get(
                f"{self._url}/sessions/{quote(session_key, safe='')}/context",
                params={"limit": MAX_TURNS},
                headers=self._headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as answer:
                if answer.status != 200:
                    log.warning("memory_not_read", status=answer.status)
                    return []
                told = _Context.model_validate_json(await _bounded(answer.content)).turns
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # Only its kind: a ValidationError quotes what was said.
            log.warning("memory_not_read", fault=type(error).__name__)
            return []
        return [PastTurn(turn.role, turn.text, turn.timestamp) for turn in told]


async def _bounded(body: aiohttp.StreamReader) -> bytes:
    read = bytearray()
    async for chunk in body.iter_any():
        read += chunk
        if len(read) > LONGEST_ANSWER_BYTES:
            raise aiohttp.ClientPayloadError("The answer is too long.")
    return bytes(read)
