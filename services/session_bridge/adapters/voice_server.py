"""The voice server: asked for a call whose events have not come, and whether it is there at all."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
from multidict import MultiMapping
from pydantic import AwareDatetime, BaseModel, Field, SecretStr, ValidationError
from yarl import URL

from services.session_bridge.domain.session import Session, State
from shared import bearer, health
from shared.events import ANONYMOUS, CallStatus, Direction, Speaker, iso
from shared.problems import NotFoundError, explain
from shared.transcript import Turn

M = TypeVar("M", bound=BaseModel)

_JSON = frozenset({"application/json", "application/problem+json"})
_TOLD_HEADERS = ("Location", "Retry-After")
_SOUND = "audio/wav"
_SOUND_HEADERS = (
    *("Content-Length", "Content-Range", "Accept-Ranges"),
    *("ETag", "Last-Modified", "Cache-Control"),
)
_PIECE_BYTES = 1 << 16
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class VoiceServerError(Exception):
    """The voice server could not be asked."""


class VoiceServerSlowError(VoiceServerError):
    """The voice server did not answer in time."""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer of the voice server: JSON as it came, and of its headers what a client may need."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as the voice server plays it, or a part of it.

    `pieces` raises `VoiceServerError` if the voice server breaks off.
    """

    status: int
    media_type: str
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


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

    async def forward(
        self,
        method: str,
        path: str,
        query: MultiMapping[str],
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Told:
        """Ask for something in our own name and hand back what it told, refusals of the request included.

        Args:
            method: of the request.
            path: where, from the server's root, percent-encoded.
            query: as it was understood.
            body: JSON, or None.
            headers: what is sent along, besides our key.

        Raises:
            VoiceServerSlowError: it did not answer in time.
            VoiceServerError: it gave no usable answer, or refuses our key; the text says what to do.
        """
        declared = {} if body is None else {"Content-Type": "application/json"}
        return self._usable(await self._ask(method, path, query, body, {**headers, **declared}))

    @asynccontextmanager
    async def recording(
        self, method: str, call_id: str, headers: Mapping[str, str]
    ) -> AsyncIterator[Recording | Told]:
        """Have a call's recording played while the block runs, or hand back why it is not.

        Args:
            method: of the request: GET, or HEAD.
            call_id: either id of the call.
            headers: which part is wanted.

        Raises:
            VoiceServerSlowError, VoiceServerError: as `forward` does.
        """
        seconds = self._timeout.total
        with self._blamed():
            answer = await self._http.request(
                method,
                f"{self._url}/history/{quote(call_id)}/recording",
                headers={**headers, **self._headers},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds),
            )
        try:
            if answer.content_type == _SOUND:
                told = {name: answer.headers[name] for name in _SOUND_HEADERS if name in answer.headers}
                yield Recording(answer.status, _SOUND, told, self._pieces(answer))
            else:
                with self._blamed():
                    body = await answer.read()
                yield self._usable(Told(answer.status, answer.content_type, body, {}))
        finally:
            answer.close()

    async def _pieces(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        with self._blamed():
            async for piece in answer.content.iter_chunked(_PIECE_BYTES):
                yield piece

    async def _get(self, path: str, model: type[M]) -> M:
        told = await self._ask("GET", path)
        if told.status == 404:
            raise NotFoundError("Neither the bridge nor the voice server knows this call.")
        if told.status != 200:
            raise VoiceServerError(f"The voice server answered {told.status}; its log says why.")
        try:
            return model.model_validate_json(told.body)
        except ValidationError as error:
            raise VoiceServerError(
                f"The voice server's answer is of another form: {explain(error)}"
            ) from error

    async def _ask(
        self,
        method: str,
        path: str,
        query: MultiMapping[str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> Told:
        with self._blamed():
            async with self._http.request(
                method,
                URL(self._url + path).with_query(query),
                data=body,
                headers={**headers, **self._headers},
                timeout=self._timeout,
                allow_redirects=method == "GET",
            ) as response:
                told = {name: response.headers[name] for name in _TOLD_HEADERS if name in response.headers}
                answer = Told(response.status, response.content_type, await response.read(), told)
        return _admitted(answer)

    def _usable(self, told: Told) -> Told:
        if _admitted(told).media_type not in _JSON:
            raise VoiceServerError(
                f"What answers {told.status} at {self._url} speaks no JSON: look whether VOICE_SERVER_URL "
                "leads to the voice server."
            )
        return told

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Say of what goes wrong on the way to the voice server what to do about it."""
        try:
            yield
        except TimeoutError as error:
            raise VoiceServerSlowError(
                f"The voice server did not answer within {self._timeout.total:g} s, but may still do what it "
                "was asked: look before you ask again, or set a longer VOICE_SERVER_TIMEOUT."
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise VoiceServerError(
                f"The voice server at {self._url} cannot be reached: start it or set VOICE_SERVER_URL."
            ) from error
        except aiohttp.ClientError as error:
            raise VoiceServerError(
                "The voice server broke off before it had answered, but may have done what it was asked: "
                "look before you ask again; its log says why."
            ) from error


def _admitted(told: Told) -> Told:
    if told.status == 401:
        raise VoiceServerError("The voice server refuses our key: set the same VOICE_API_KEY for both.")
    return told
