"""Twilio's recordings: found, fetched and deleted by their SIDs, at Twilio's own address alone.

The `RecordingUrl` of a callback is not used: our credentials go nowhere but to TWILIO_BASE_URL.
"""

import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import aiohttp
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from services.voice_server.adapters.twilio_errors import TwilioError
from services.voice_server.adapters.twilio_http import Credentials
from services.voice_server.domain.recording import Made

TIMEOUT_SECONDS = 10
_PIECE_BYTES = 1 << 18


class RecordingMissingError(TwilioError):
    """Twilio does not have that recording, or not yet."""


Sid = Annotated[str, Field(pattern=r"^RE[0-9a-fA-F]{32}$")]
Seconds = Annotated[int | None, BeforeValidator(lambda text: text if f"{text}".isdecimal() else None)]
"""A number in Twilio's way, as text; None if it is none, as for what is still being recorded (-1)."""


class _Found(BaseModel):
    sid: Sid
    status: str
    duration: Seconds = None


class _Page(BaseModel):
    recordings: list[_Found]


class TwilioRecordings:
    """Find, fetch and delete recordings.

    Args:
        http: the client to use.
        credentials: of the account that recorded.
        base_url: Twilio's, or a stand-in's.
        timeout_seconds: how long Twilio may take to answer, and between two pieces of a recording.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        credentials: Credentials,
        base_url: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._http = http
        self._url = f"{base_url}/2010-04-01/Accounts/{credentials.account_sid}"
        pair = f"{credentials.username}:{credentials.password}".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        self._timeout = aiohttp.ClientTimeout(
            sock_connect=timeout_seconds, sock_read=timeout_seconds, total=None
        )

    async def find(self, call_sid: str) -> Made | None:
        """Ask what was recorded of a call; None if it is nothing, or not complete yet.

        Raises:
            TwilioError: Twilio cannot be reached, or refuses.
        """
        async with self._asked("GET", f"Calls/{call_sid}/Recordings.json") as answer:
            try:
                found = _Page.model_validate_json(await answer.read()).recordings
            except ValidationError as error:
                raise TwilioError("Twilio's list of recordings is of another form.") from error
        done = [one for one in found if one.status in {"completed", "absent"}]
        return Made(done[0].sid, done[0].duration, done[0].status == "absent") if done else None

    async def media(self, recording_sid: str) -> AsyncGenerator[bytes, None]:
        """Fetch a recording, both its channels, piece by piece.

        Raises:
            RecordingMissingError: it is not there, or not yet.
            TwilioError: Twilio cannot be reached, refuses, broke off, or sends something else.
        """
        is_first = True
        async with self._asked("GET", f"Recordings/{recording_sid}.wav") as answer:
            async for piece in answer.content.iter_chunked(_PIECE_BYTES):
                if is_first and not piece.startswith(b"RIFF"):
                    break
                is_first = False
                yield piece
        if is_first:  # it is deleted at Twilio when we have it: what we have must be one
            raise TwilioError("What Twilio sends is no recording.")

    async def delete(self, recording_sid: str) -> None:
        """Delete a recording, unless it is gone already.

        Raises:
            TwilioError: Twilio cannot be reached, or refuses.
        """
        try:
            async with self._asked("DELETE", f"Recordings/{recording_sid}.json"):
                pass
        except RecordingMissingError:
            return

    @asynccontextmanager
    async def _asked(
        self, method: Literal["GET", "DELETE"], path: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            # Where Twilio itself sends us elsewhere, aiohttp takes the credentials away.
            async with self._http.request(
                method, f"{self._url}/{path}", headers=self._headers, timeout=self._timeout, max_redirects=3
            ) as answer:
                if answer.status == 404:
                    raise RecordingMissingError(RecordingMissingError.__doc__)
                if answer.status // 100 != 2:
                    raise TwilioError(f"Twilio answered {answer.status} about a recording.")
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TwilioError(f"Twilio's recordings cannot be reached ({type(error).__name__}).") from error
