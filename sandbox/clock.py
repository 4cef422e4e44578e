"""The pace of the sandbox: people, speech and machines at a human speed, or many times faster for a test.

Only what somebody *takes* is shortened: ringing, speaking, thinking. What the service under test is held to
(a time limit it asked for, the seconds it has for an answer) stays in real seconds.
"""

import asyncio
import time


class Clock:
    """Wait for seconds that pass `speed` times faster than real ones."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._start = time.monotonic()

    def now(self) -> float:
        """Give the sandbox's seconds since it was started."""
        return (time.monotonic() - self._start) * self.speed

    async def pause(self, seconds: float) -> None:
        """Let that many of the sandbox's seconds pass."""
        await asyncio.sleep(seconds / self.speed)

    async def until(self, moment: float) -> None:
        """Wait until `now()` reaches a moment; being late once does not make everything after it late."""
        await asyncio.sleep(max(0.0, moment - self.now()) / self.speed)
