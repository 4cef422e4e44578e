"""Wait for a fact, with a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(fact: Callable[[], Awaitable[bool]], seconds: float = 5) -> None:
    """Wait until the fact holds, or fail."""
    deadline = time.monotonic() + seconds
    while not await fact():
        assert time.monotonic() < deadline, "the fact did not come true"
        await asyncio.sleep(0.01)
