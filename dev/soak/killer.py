"""Kill a service now and then, without a word, and start it again."""

import asyncio
import random
from collections.abc import Sequence

from dev.stack import Program

_EARLIEST_SECONDS, _LATEST_SECONDS = 1.0, 4.0


class Killer:
    """Kill services at random moments.

    Attributes:
        killed: which, one after the other.
    """

    def __init__(self, programs: Sequence[Program], seed: int) -> None:
        self.killed: list[str] = []
        self._programs = programs
        self._dice = random.Random(f"{seed}/killer")  # noqa: S311 - to be repeated, not to be secret
        self._at_work = asyncio.Lock()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await asyncio.sleep(self._dice.uniform(_EARLIEST_SECONDS, _LATEST_SECONDS))
            async with self._at_work:
                await self._kill(self._dice.choice(self._programs))

    async def stop(self) -> None:
        """Wait until everything runs, and kill nothing any more."""
        await self._at_work.acquire()

    async def _kill(self, program: Program) -> None:
        if program.process is None:
            return
        program.process.kill()
        await program.process.wait()
        self.killed.append(program.name)
        await program.start()
