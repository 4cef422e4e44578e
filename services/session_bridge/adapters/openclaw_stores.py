"""The agent's session store, found anew at each write: OpenClaw may have been upgraded since the last."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import structlog

from services.session_bridge.adapters.openclaw_folder import OpenClawFolder
from services.session_bridge.adapters.openclaw_rpc import TRANSCRIPT, OpenClawRpc
from services.session_bridge.adapters.openclaw_store import CannotWriteYetError, OpenClawStore
from services.session_bridge.domain import choice
from services.session_bridge.domain.choice import Choice

log = structlog.get_logger()


class OpenClawStores:
    """Choose between the stores.

    Args:
        setting: `auto`, or which one it is.
        folder: OpenClaw's state folder.
        rpc: the connection to its gateway.
        stores: the stores there are.
    """

    def __init__(
        self, setting: str, folder: OpenClawFolder, rpc: OpenClawRpc, stores: Iterable[OpenClawStore]
    ) -> None:
        self._setting = setting
        self._folder = folder
        self._rpc = rpc
        self._stores = {store.name: store for store in stores}
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
        if self._told.get(agent_id) != made:
            log.info("store_chosen", agent=agent_id, store=made.store, why=made.why)
            self._told[agent_id] = made
        return made

    async def of(self, agent_id: str) -> OpenClawStore:
        """Find an agent's store.

        Raises:
            CannotWriteYetError: there is none to be seen, or OpenClaw's configuration cannot be read.
        """
        await self._rpc.tried()
        store, why = await self.choice(agent_id)
        if store is None:
            raise CannotWriteYetError(why)
        return self._stores[store]

    async def close(self) -> None:
        """Let the running writes finish."""
        for store in self._stores.values():
            await store.close()
