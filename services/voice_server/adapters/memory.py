"""What the agent remembers of a person: the newest turns of their conversation, told by the bridge."""

from urllib.parse import quote

import aiohttp
import structlog
from pydantic import BaseModel, ValidationError

from services.voice_server.domain.background import MAX_TURNS, PastTurn
from shared.events import Speaker, Timestamp

log = structlog.get_logger()

TIMEOUT_SECONDS = 2


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
    """

    def __init__(self, http: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> None:
        self._http = http
        self._url = url
        self._headers = headers

    async def newest(self, session_key: str) -> list[PastTurn]:
        """Read the newest turns, the oldest first; none if they cannot be read."""
        url = f"{self._url}/sessions/{quote(session_key, safe='')}/context"
        try:
            async with self._http.get(
                url,
                params={"limit": MAX_TURNS},
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                if answer.status != 200:
                    log.warning("memory_not_read", status=answer.status)
                    return []
                told = _Context.model_validate_json(body).turns
        except (aiohttp.ClientError, TimeoutError, ValidationError) as error:
            log.warning("memory_not_read", fault=type(error).__name__)
            return []
        return [PastTurn(turn.role, turn.text, turn.timestamp) for turn in told]
