"""Who a caller is to OpenClaw, by what its files and our settings say at this moment."""

import asyncio

from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.domain.session_key import Callers, OpenClaw


class SessionKeys:
    """Decide session keys.

    Args:
        callers: who is who by our own settings.
        folder: OpenClaw's state folder.
    """

    def __init__(self, callers: Callers, folder: OpenClawFolder) -> None:
        self._callers = callers
        self._folder = folder

    async def owners(self) -> set[str]:
        """Decide the session keys of all owners.

        Raises:
            CannotWriteYetError: OpenClaw's files, which decide them, cannot be read.
        """
        return {await self.decide(number, "") for number in self._callers.owners}

    async def decide(self, number: str, call_id: str) -> str:
        """Decide the session key of a call.

        Raises:
            CannotWriteYetError: OpenClaw's files, which decide it, cannot be read.
        """
        if number not in self._callers.owners or number in self._callers.mapped:
            return self._callers.key(number, call_id, OpenClaw())
        openclaw = await asyncio.to_thread(self._folder.openclaw, self._callers.agent_id)
        return self._callers.key(number, call_id, openclaw)
