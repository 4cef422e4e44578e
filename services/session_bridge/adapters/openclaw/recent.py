"""The newest turns of the owners' conversations, kept at hand for the next call.

After some idleness OpenClaw's gateway needs a second to read a conversation, and a call does not wait that
long. So each is read when a gateway is there, and again whenever it tells that something was added.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from services.session_bridge.adapters.openclaw.rpc import TRANSCRIPT, OpenClawRpc
from services.session_bridge.adapters.openclaw.socket import GatewayRefusedError
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain.said import Said
from services.session_bridge.domain.session_key import as_kept

log = structlog.get_logger()

WAITING_SECONDS = 0.2
TURNS = 16

_OLDEST_SECONDS = 10
"""How long turns may be told of which it is known that others have followed, rather than none."""

_PAUSE_SECONDS = 5
_BEGUN_ANEW = frozenset({"compact", "delete", "new", "reset"})
"""Why the turns there were are none any more; OpenClaw adds no row that would tell."""


@dataclass(slots=True)
class _Conversation:
    turns: list[Said] | None = None
    known_at: float = 0
    changes: int = 0
    beginnings: int = 0
    fresh: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self, *, anew: bool) -> None:
        """Note that it goes on, or begins anew."""
        if self.fresh.is_set():
            self.known_at = time.monotonic()
        self.fresh.clear()
        self.changes += 1
        if anew:
            self.beginnings += 1
            self.turns = None

    async def read(self, read: Callable[[], Awaitable[list[Said]]]) -> None:
        """Read it until nothing was added meanwhile."""
        while not self.fresh.is_set():
            began, changes, beginnings = time.monotonic(), self.changes, self.beginnings
            turns = await read()
            if beginnings == self.beginnings:
                self.turns, self.known_at = turns, began
            if changes == self.changes:
                self.fresh.set()


class RecentTurns:
    """Keep the newest turns of some conversations.

    Args:
        rpc: the connection to the gateway.
        read: reads the newest turns of a conversation.
        keys: decides which conversations these are, each time there is a gateway.
        waiting_seconds: how long `newest` waits for a reading that is under way.
    """

    def __init__(
        self,
        rpc: OpenClawRpc,
        read: Callable[[str, int], Awaitable[list[Said]]],
        keys: Callable[[], Awaitable[Iterable[str]]],
        waiting_seconds: float = WAITING_SECONDS,
    ) -> None:
        self._rpc = rpc
        self._read = read
        self._keys = keys
        self._waiting_seconds = waiting_seconds
        self._kept: dict[str, _Conversation] = {}
        self._follows = False
        self._fault = ""
        self._stirred = asyncio.Event()

    def connected(self) -> None:
        """Begin anew: there is another connection."""
        self._kept, self._follows = {}, False
        self._stirred.set()

    def told(self, event: str, payload: Mapping[str, Any]) -> None:
        """Take notice of what the gateway tells."""
        anew = event == "sessions.changed" and payload.get("reason") in _BEGUN_ANEW
        if anew or event == "session.message" or payload.get("phase") == "message":
            self._change(str(payload.get("sessionKey")), anew=anew)

    def written(self, session_key: str) -> None:
        """Take notice of what we wrote ourselves: the gateway tells of it only after it has answered."""
        self._change(session_key, anew=False)

    async def newest(self, session_key: str, limit: int) -> list[Said] | None:
        """Give the newest turns, the oldest first; None if they are not at hand.

        They may lack what was added in the last seconds, where reading that takes too long.
        """
        kept = self._kept.get(as_kept(session_key))
        if kept is None or limit > TURNS or self._rpc.hello is None:
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._waiting_seconds):
                await kept.fresh.wait()
        if not kept.fresh.is_set() and time.monotonic() - kept.known_at > _OLDEST_SECONDS:
            return None
        return None if kept.turns is None else kept.turns[-limit:]

    async def run(self) -> None:
        """Read what is to be at hand, for ever."""
        await self._rpc.tried()
        self._stirred.set()
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            if self._rpc.hello is not None and not await self._catch_up():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PAUSE_SECONDS):
                        await self._stirred.wait()
                self._stirred.set()

    def _change(self, session_key: str, *, anew: bool) -> None:
        if kept := self._kept.get(as_kept(session_key)):
            kept.change(anew=anew)
            self._stirred.set()

    async def _catch_up(self) -> bool:
        """Follow the conversations and read what is not fresh; False if something of it failed."""
        fault = ""
        try:
            if not self._follows and self._rpc.offers(TRANSCRIPT):
                await self._follow()
        except (CannotWriteYetError, GatewayRefusedError) as error:
            fault = str(error)
        for key, kept in list(self._kept.items()):
            try:
                await kept.read(partial(self._read, key, TURNS))
            except CannotWriteYetError as error:
                fault = str(error)
        if fault and fault != self._fault:
            log.info("recent_turns_not_read", reason=fault)
        self._fault = fault
        return not fault

    async def _follow(self) -> None:
        keys = {as_kept(key) for key in await self._keys()}
        if keys:
            await self._rpc.call("sessions.subscribe")
        for key in keys:
            await self._rpc.call("sessions.messages.subscribe", key=key)
        self._kept, self._follows = {key: _Conversation() for key in keys}, True
