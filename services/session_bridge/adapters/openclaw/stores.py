"""The agent's session store, found anew at each write: OpenClaw may have been upgraded since the last."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

import structlog

from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.recent import RecentTurns
from services.session_bridge.adapters.openclaw.rpc import TRANSCRIPT, OpenClawRpc
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError, OpenClawStore
from services.session_bridge.domain import choice
from services.session_bridge.domain.choice import Choice, Store
from services.session_bridge.domain.said import Said
from services.session_bridge.domain.session_key import agent_of
from services.session_bridge.domain.transcript import Block
from services.session_bridge.domain.verdict import Kept

log = structlog.get_logger()

READING_SECONDS = 0.25
"""What somebody on the phone is waiting for."""


class OpenClawStores:
    """Choose between the stores.

    Args:
        setting: `auto`, or which one it is.
        folder: OpenClaw's state folder.
        rpc: the connection to its gateway.
        stores: the stores there are.
        reading_seconds: how long `newest` may take in all, the choice of the store included.
        recent: what is at hand of the conversations in the gateway.
    """

    def __init__(
        self,
        setting: str,
        folder: OpenClawFolder,
        rpc: OpenClawRpc,
        stores: Iterable[OpenClawStore],
        reading_seconds: float = READING_SECONDS,
        recent: RecentTurns | None = None,
    ) -> None:
        self._setting = setting
        self._folder = folder
        self._rpc = rpc
        self._stores = {store.name: store for store in stores}
        self._reading_seconds = reading_seconds
        self._recent = recent
        self._told: dict[str, Choice] = {}

    async def choice(self, agent_id: str) -> Choice:
        """Tell which store an agent's calls go into, and why.

        Raises:
            CannotWriteYetError: OpenClaw's configuration cannot be read.
        """
        seen = await asyncio.to_thread(self._folder.evidence, agent_id)
        if hello := self._rpc.hello:
            seen = replace(
                seen,
                gateway=hello.release,
                takes_transcripts=TRANSCRIPT in hello.methods,
                gateway_reads_files=hello.reads_files,
            )
        made = choice.choose(self._setting, seen)
        if made.store is None and self._rpc.hello is None:
            made = Choice(None, f"{made.why} {self._rpc.fault}")
        if self._told.get(agent_id) != made:
            log.info("store_chosen", agent=agent_id, store=made.store, why=made.why)
            self._told[agent_id] = made
        return made

    async def of(self, agent_id: str) -> OpenClawStore:
        """Find an agent's store.

        Raises:
            CannotWriteYetError: there is none to be seen, or OpenClaw's configuration cannot be read.
        """
        await self._rpc.retry()
        return await self._chosen(agent_id)

    async def _chosen(self, agent_id: str) -> OpenClawStore:
        store, why = await self.choice(agent_id)
        if store is None:
            raise CannotWriteYetError(why)
        return self._stores[store]

    async def check(self, store: Store, agent_id: str) -> None:
        """Make sure that a store could take an agent's call now.

        Raises:
            CannotWriteYetError: it could not.
        """
        await self._stores[store].check(agent_id)

    async def kept(self, agent_id: str, blocks: Sequence[Block]) -> list[Kept]:
        """Look what stands of an agent's blocks; of those from before an upgrade also in what was put away.

        Raises:
            CannotWriteYetError: it cannot be seen now.
        """
        store = await self.of(agent_id)
        found = await store.kept(blocks)
        if store.name is Store.GATEWAY:
            missed = [
                place
                for place, kept in enumerate(found)
                if not kept.seen and blocks[place].store == Store.JSONL
            ]
            put_away = (
                await self._stores[Store.JSONL].kept([blocks[place] for place in missed]) if missed else []
            )
            for place, kept in zip(missed, put_away, strict=True):
                found[place] = kept if kept.seen else found[place]
        return found

    async def newest(self, session_key: str, limit: int) -> tuple[Store, list[Said]]:
        """Read the newest turns of a conversation, the oldest first, and tell which store they are from.

        Raises:
            CannotWriteYetError: there is no store to be seen, or it did not answer in time.
        """
        try:
            async with asyncio.timeout(self._reading_seconds):
                await self._rpc.tried()
                self._rpc.hurry()
                store = await self._chosen(agent_of(session_key))
                at_hand = None
                if self._recent and store.name is Store.GATEWAY:
                    at_hand = await self._recent.newest(session_key, limit)
                return store.name, await store.newest(session_key, limit) if at_hand is None else at_hand
        except TimeoutError as error:
            raise CannotWriteYetError(
                f"OpenClaw's sessions could not be read within OPENCLAW_CONTEXT_TIMEOUT, "
                f"{self._reading_seconds:g} s: ask again, or set more."
            ) from error

    async def close(self) -> None:
        """Let the running writes finish."""
        for store in self._stores.values():
            await store.close()
