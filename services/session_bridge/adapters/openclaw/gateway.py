"""The `gateway` store: hands a call to OpenClaw's gateway as a finished voice session (from 2026.8.1).

`talk.client.create`, a `transcript` for each message, `close`. The gateway keeps a row once under the names
of its voice session and its entry, whatever has become of the conversation since, so a write that was cut
short is simply done again. A voice session is named after its call. One that the gateway has closed, as it
does after a minute, takes no more rows: another follows, and each row is looked for under the earlier names
first.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog

from services.session_bridge.adapters.openclaw.rpc import OpenClawRpc
from services.session_bridge.adapters.openclaw.socket import GatewayRefusedError
from services.session_bridge.adapters.openclaw.store import BusyError, CannotWriteYetError
from services.session_bridge.domain.choice import Store
from services.session_bridge.domain.said import Said
from services.session_bridge.domain.transcript import Block, pieces
from services.session_bridge.domain.verdict import Kept

log = structlog.get_logger()

IMPORTED = "imported"
"""The place of a block that was written into session files, which OpenClaw has taken over since."""

_AT_ONCE = 4
"""The gateway takes a handful of voice sessions at a time, and refuses more."""

_PAGE = 1000

OLDER_SECONDS = 0.1
"""What older rows may take beyond the newest ones: the gateway needs a millisecond or more for each."""

_OLDER = 2
_FARTHEST = 20
"""How many older rows are asked for at once, and how far back, for each turn that is wanted."""

_PROVIDERS: tuple[Mapping[str, str], ...] = (
    {"provider": "voice-bridge", "transport": "provider-websocket"},
    {"provider": "openai", "model": "gpt-live-1", "transport": "webrtc"},
    {"provider": "openai", "transport": "webrtc"},
)
"""A voice session needs a realtime provider that calls itself configured: our plugin's, which wants no key,
or OpenAI's, which wants any (2026.8.1 lacks that model and asks OpenAI for another). None ever speaks."""

_ANOTHER = "its conversation was deleted, and the key has another one since"
_ABSENT = ("is not registered", "is not configured")
_OVER = ("is already closed", "voice session is closed", "provider does not match")
_NO_PROVIDER = (
    "OpenClaw's gateway takes transcripts only where a realtime voice provider is configured: put "
    "OPENAI_API_KEY into the gateway's environment, or set talk.realtime in openclaw.json to "
    '{"provider": "openai", "providers": {"openai": {"apiKey": "sk-…"}}}.'
)


class GatewayStore:
    """Write blocks through the gateway.

    Args:
        rpc: the connection to it.
        older_seconds: how long `newest` looks for turns behind the first rows.
        written: is called with the session key of each block that was written.
    """

    name = Store.GATEWAY

    def __init__(
        self,
        rpc: OpenClawRpc,
        older_seconds: float = OLDER_SECONDS,
        written: Callable[[str], None] = lambda _session_key: None,
    ) -> None:
        self._rpc = rpc
        self._older_seconds = older_seconds
        self._written = written
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._over: set[str] = set()

    async def place(self, block: Block) -> str:
        """Name the voice session that is to take the block's rows: the first that is not known to be over."""
        history = await self._call("chat.history", sessionKey=block.session_key, limit=1)
        if (history.get("sessionInfo") or {}).get("hasActiveRun"):
            raise BusyError("OpenClaw is in the middle of a turn of this conversation.")
        if block.place == IMPORTED:
            return IMPORTED
        if block.store == Store.JSONL and await self._row(block, block.messages[-1].id):
            return IMPORTED
        begun = block.place if block.store == self.name else None
        names = itertools.dropwhile(lambda name: begun not in {None, name}, _names(block.call_id))
        return next(name for name in names if name not in self._over)

    async def write(self, block: Block) -> None:
        """Write a block, or what is missing of it; then OpenClaw's next turn sees it."""
        if block.place == IMPORTED or block.place is None:
            return
        async with self._at_once:
            if not await self._open(block.session_key, block.place):
                self._over.add(block.place)
                raise BusyError("OpenClaw's gateway has closed the call's voice session; another follows.")
            await self._tell(block)
        self._written(block.session_key)
        self._over.difference_update(_names(block.call_id, up_to=block.place))

    async def _tell(self, block: Block) -> None:
        """Tell an open voice session what is missing of a block, and close it."""
        voice_session = {"sessionKey": block.session_key, "voiceSessionId": block.place}
        earlier = list(_names(block.call_id, up_to=block.place))
        for message in block.messages:
            spoken = {"role": message.speaker.value, "timestamp": int(message.at.timestamp() * 1000)}
            for entry_id, text in pieces(message):
                if not [name for name in earlier if await self._row(block, f"voice:{name}:{entry_id}")]:
                    await self._call(
                        "talk.client.transcript", **voice_session, entryId=entry_id, text=text, **spoken
                    )
        try:
            await self._call("talk.client.close", **voice_session)
        except CannotWriteYetError as error:
            log.warning("voice_session_left_open", reason=str(error))  # OpenClaw closes it in time.

    async def check(self, agent_id: str) -> None:  # noqa: ARG002 - it is there for all agents
        """Make sure that the gateway is there and has a realtime provider."""
        catalog = await self._call("talk.catalog")
        if not (catalog.get("realtime") or {}).get("ready", True):
            raise CannotWriteYetError(_NO_PROVIDER)

    async def kept(self, blocks: Sequence[Block]) -> list[Kept]:
        """Look what stands of each of these blocks; rows from before a reset come first."""
        shown: dict[str, list[str] | None] = {}
        kept = []
        for block in blocks:
            key = block.session_key
            if key not in shown:
                shown[key] = await self._shown(key)
            kept.append(await self._gather(block, shown[key]))
        return kept

    async def newest(self, session_key: str, limit: int) -> list[Said]:
        """Read the newest turns of a conversation, the oldest first; fewer where older rows come late."""
        page = await self._page(session_key, limit, 0)
        said = _said(page)
        with suppress(TimeoutError, CannotWriteYetError):
            async with asyncio.timeout(self._older_seconds):
                while len(said) < limit and page.get("hasMore") and page["nextOffset"] < _FARTHEST * limit:
                    page = await self._page(session_key, _OLDER * limit, page["nextOffset"])
                    said = _said(page) + said
        return said[-limit:]

    async def close(self) -> None:
        """Do nothing: the connection is not ours."""

    async def _open(self, session_key: str, name: str) -> bool:
        """Open a voice session or go on with it; False if it is over."""
        for provider in _PROVIDERS:
            try:
                await self._rpc.call(
                    "talk.client.create", sessionKey=session_key, voiceSessionId=name, **provider
                )
            except GatewayRefusedError as error:
                if any(words in str(error) for words in _OVER):
                    return False
                if not any(words in str(error) for words in _ABSENT):
                    raise CannotWriteYetError(_refusal("a voice session", error)) from error
            else:
                return True
        raise CannotWriteYetError(_NO_PROVIDER)

    async def _row(self, block: Block, row_id: str) -> bool:
        """Tell whether a conversation has a row, wherever in it."""
        answer = await self._call("chat.message.get", sessionKey=block.session_key, messageId=row_id)
        return bool(answer.get("ok")) or answer.get("unavailableReason") != "not_found"

    async def _gather(self, block: Block, shown: list[str] | None) -> Kept:
        """Gather what stands of a block; `shown` are the rows of its conversation since the last reset."""
        rows = await self._possible_rows(block)
        wanted = tuple(dict.fromkeys(rows.values()))
        if shown is None:
            return Kept(wanted, removed="OpenClaw's gateway has no such conversation any more")
        seen = [row_id for row_id in shown if row_id in rows]
        hidden = [row_id for row_id in rows if row_id not in seen and await self._row(block, row_id)]
        if hidden:
            around = await self._call(
                "chat.history", sessionKey=block.session_key, messageId=hidden[0], limit=_PAGE
            )
            order = {_row_id(row): place for place, row in enumerate(around.get("messages") or ())}
            hidden.sort(key=lambda row_id: order.get(row_id, _PAGE))
        found = tuple(rows[row_id] for row_id in (*hidden, *seen))
        gone = not found and await self._was_told(block)
        return Kept(wanted, found, removed=_ANOTHER if gone else "")

    async def _was_told(self, block: Block) -> bool:
        """Tell whether the gateway knows a block's voice session, which outlives the conversation."""
        try:
            await self._rpc.call(
                "talk.client.close", sessionKey=block.session_key, voiceSessionId=block.place or block.call_id
            )
        except GatewayRefusedError as error:
            return "not found" not in str(error)
        return True

    async def _possible_rows(self, block: Block) -> dict[str, str]:
        """Name the rows that may be a block's; of each what it holds: a message or a piece of one."""
        whole = {message.id: message.id for message in block.messages}
        if block.place == IMPORTED:
            return whole
        spoken = [entry_id for message in block.messages for entry_id, _ in pieces(message)]
        last = block.place if block.store == Store.GATEWAY and block.place else block.call_id
        rows = {
            f"voice:{name}:{entry_id}": entry_id
            for name in (*_names(block.call_id, up_to=last), last)
            for entry_id in spoken
        }
        imported = await self._row(block, block.messages[-1].id)
        return whole | rows if imported else rows

    async def _page(self, session_key: str, rows: int, offset: int) -> Mapping[str, Any]:
        return await self._call("chat.history", sessionKey=session_key, limit=rows, offset=offset)

    async def _shown(self, session_key: str) -> list[str] | None:
        """List the rows a conversation shows; None if there is no such conversation."""
        rows: list[str] = []
        offset: int | None = 0
        while offset is not None:
            page = await self._call("chat.history", sessionKey=session_key, limit=_PAGE, offset=offset)
            if not page.get("sessionId"):
                return None
            rows = [_row_id(row) for row in page.get("messages") or ()] + rows
            offset = page.get("nextOffset") if page.get("hasMore") else None
        return rows

    async def _call(self, method: str, **params: object) -> Mapping[str, Any]:
        try:
            return await self._rpc.call(method, **params)
        except GatewayRefusedError as error:
            kind = BusyError if any(words in str(error) for words in _OVER) else CannotWriteYetError
            raise kind(_refusal(method, error)) from error


def _refusal(what: str, error: GatewayRefusedError) -> str:
    remedy = " Or correct OPENCLAW_AGENT_ID." if "Unknown agent" in str(error) else ""
    return f"OpenClaw's gateway refuses {what}: {error}.{remedy}"


def _names(call_id: str, up_to: str | None = None) -> Iterator[str]:
    """Name a call's voice sessions one after the other; those before one, if it is given."""
    for turn in itertools.count():
        name = f"{call_id}-r{turn}" if turn else call_id
        if name == up_to:
            return
        yield name


def _row_id(row: Mapping[str, Any]) -> str:
    return str((row.get("__openclaw") or {}).get("id"))


def _said(page: Mapping[str, Any]) -> list[Said]:
    return [turn for row in page.get("messages") or () if (turn := Said.of(row)) is not None]
