"""The voice server: asked for a call whose events have not come, and whether it is there at all."""

import asyncio
from typing import TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
from pydantic import AwareDatetime, BaseModel, Field, SecretStr, ValidationError

from services.session_bridge.domain.session import Session, State
from shared import bearer, health
from shared.events import ANONYMOUS, CallStatus, Direction, Speaker, iso
from shared.problems import NotFoundError, explain
from shared.transcript import Turn

M = TypeVar("M", bound=BaseModel)


class VoiceServerError(Exception):
    """The voice server could not be asked."""


class FetchedCall(BaseModel):
    """A call as `/history/{id}` has it, as far as it is needed here."""

    call_id: str
    direction: Direction
    status: CallStatus
    caller: str | None = Field(None, alias="from")
    callee: str | None = Field(None, alias="to")
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None

    def session(self, turns: int) -> Session:
        """Make the session of this call, to be written now."""
        number = self.caller if self.direction is Direction.INBOUND else self.callee
        return Session(
            self.call_id,
            number or ANONYMOUS,
            self.direction,
            iso(self.started_at),
            state=State.SYNCING,
            turns=turns,
            ended_at=(self.ended_at or self.started_at).timestamp(),
        )


class _FetchedTurn(BaseModel):
    item_id: str
    speaker: Speaker
    content: str
    timestamp: AwareDatetime
    interrupted: bool = False


class _Transcript(BaseModel):
    transcript: list[_FetchedTurn]


class VoiceServer:
    """Ask the voice server.

    Args:
        http: the client.
        url: where it is.
        key: its bearer key.
        timeout_seconds: how long it may take to answer.
    """

    def __init__(
        self, http: aiohttp.ClientSession, url: str, key: SecretStr | None, timeout_seconds: float
    ) -> None:
        self._http = http
        self._url = url
        self._headers = bearer.header(key)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def call(self, call_id: str) -> FetchedCall:
        """Fetch what it knows of a call, by either of the call's ids.

        Raises:
            NotFoundError: it knows no such call.
            VoiceServerError: it gave no usable answer; the text says what to do.
        """
        return await self._get(f"/history/{quote(call_id)}", FetchedCall)

    async def turns(self, call_id: str) -> list[Turn]:
        """Fetch a call's turns, in the order of the conversation; raises as `call` does."""
        answer = await self._get(f"/history/{quote(call_id)}/transcript", _Transcript)
        before = [None, *(turn.item_id for turn in answer.transcript)]
        return [
            Turn(turn.item_id, turn.speaker, turn.content, turn.timestamp, previous, turn.interrupted)
            for turn, previous in zip(answer.transcript, before, strict=False)
        ]

    async def check(self) -> health.Check:
        """Look whether something listens there. Not over HTTP: its own health asks for ours."""
        address = urlsplit(self._url)
        port = address.port or (443 if address.scheme == "https" else 80)
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection(address.hostname, port)
            writer.close()
        except (OSError, TimeoutError):
            return health.failed(
                f"Nothing answers at {self._url}: start the voice server or set VOICE_SERVER_URL."
            )
        return health.ok(f"listens at {self._url}")

    async def _get(self, path: str, model: type[M]) -> M:
        try:
            async with self._http.get(
                self._url + path, headers=self._headers, timeout=self._timeout
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise VoiceServerError(
                f"The voice server at {self._url} cannot be reached: start it or set VOICE_SERVER_URL."
            ) from error
        if response.status == 404:
            raise NotFoundError("Neither the bridge nor the voice server knows this call.")
        if response.status == 401:
            raise VoiceServerError("The voice server refuses our key: set the same VOICE_API_KEY for both.")
        if response.status != 200:
            raise VoiceServerError(f"The voice server answered {response.status}; its log says why.")
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            raise VoiceServerError(
                f"The voice server's answer is of another form: {explain(error)}"
            ) from error
