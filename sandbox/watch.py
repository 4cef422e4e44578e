"""Wait for a fact instead of a time."""

import asyncio
from collections.abc import Callable


class Watch:
    """Wake whoever waits for something to become true, each time anything has changed."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Tell that something may have become true."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, fact: Callable[[], bool], *, within: float = 5.0) -> None:
        """Return as soon as the fact holds.

        Raises:
            TimeoutError: it did not hold within that many real seconds.
        """
        async with asyncio.timeout(within):
            while not fact():
                await self._changed.wait()
