"""What both of OpenClaw's session stores promise: a call comes in once, whatever breaks in between."""

from collections.abc import Sequence
from typing import Protocol

from services.session_bridge.domain.choice import Store
from services.session_bridge.domain.said import Said
from services.session_bridge.domain.transcript import Block
from services.session_bridge.domain.verdict import Kept


class CannotWriteYetError(Exception):
    """The transcript cannot be written now; the text says what is in the way."""


class BusyError(CannotWriteYetError):
    """OpenClaw is at work on this very conversation, which is over in a moment."""


class OpenClawStore(Protocol):
    """Where conversations are kept. Every method raises `CannotWriteYetError` when it cannot be done now."""

    name: Store

    async def place(self, block: Block) -> str:
        """Tell where the block is to go; noted before it is written, so that a crash leaves a trace.

        The answer is for this store alone to read. A block that has a place may get another one, if nothing
        of it is to be seen at the old one.
        """

    async def write(self, block: Block) -> None:
        """Write a block at its place, or what is missing of it; then OpenClaw's next turn sees it."""

    async def check(self, agent_id: str) -> None:
        """Make sure that a call of an agent could be written now."""

    async def kept(self, blocks: Sequence[Block]) -> list[Kept]:
        """Look what stands in OpenClaw of each of these blocks, all of one agent; change nothing."""

    async def newest(self, session_key: str, limit: int) -> list[Said]:
        """Read the newest turns of a conversation, the oldest first; nothing of it is changed."""

    async def close(self) -> None:
        """Let the running write finish."""
