"""The services, and where wanted the sandbox, as child processes that begin and end together."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

ROOT = Path(__file__).parents[1]
NEUTRAL = (
    *("PATH", "HOME", "LANG", "TERM", "LOG_LEVEL", "LOG_FORMAT"),
    *("CALLS", "ALLOWED_CALLERS", "OUTBOUND_NUMBERS", "OUTBOUND_REGIONS", "MAX_CONCURRENT_CALLS"),
    *("MAX_CALL_SECONDS", "SILENCE_SECONDS", "RECONCILE_SECONDS", "REQUESTS_PER_MINUTE"),
    *("OPENCLAW_TIMEOUT", "RECORD_CALLS", "VOICE_API_KEY", "BRIDGE_API_KEY"),
)
"""What of the environment holds in the sandbox, too: how things look, and what may be tried there."""
START_SECONDS = 20
STOP_SECONDS = 30


class DidNotStartError(Exception):
    """A process ended, or did not answer, before it was healthy."""


@dataclass
class Program:
    """A process of ours: how it is started, and where it says that it is well.

    With a folder of its own it gets none of the user's settings, neither from here nor from `.env`. What it
    prints is added to `log`, if there is one.
    """

    name: str
    command: tuple[str, ...]
    url: str
    environment: Mapping[str, str]
    folder: Path | None = None
    log: Path | None = None
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Start it and wait until it is healthy.

        Raises:
            DidNotStartError: it has said on stderr why.
        """
        if await self._is_healthy():
            raise DidNotStartError(
                f"Something answers at {self.url} already: stop that first, or set another port."
            )
        inherited = dict(os.environ)  # noqa: TID251 - a child gets what we got
        if self.folder:
            inherited = {name: inherited[name] for name in NEUTRAL if name in inherited}
            inherited["PYTHONPATH"] = str(ROOT)
        with ExitStack() as files:
            log = files.enter_context(self.log.open("ab")) if self.log else None
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, *self.command),
                env=inherited | dict(self.environment),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._is_healthy():
                    if self.process.returncode is not None:
                        raise DidNotStartError(
                            f"The {self.name} ended with status {self.process.returncode}."
                        )
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise DidNotStartError(f"The {self.name} did not answer at {self.url}/health.") from error

    async def stop(self) -> None:
        """Ask it to end, and wait until it has; after too long, end it."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def keep_alive(self) -> None:
        """Start it again whenever it ends by itself. Runs until cancelled."""
        while self.process:
            status = await self.process.wait()
            print(f"The {self.name} ended with status {status}; starting it again.", flush=True)
            await self.start()

    async def _is_healthy(self) -> bool:
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{self.url}/health") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running(programs: list[Program]) -> AsyncIterator[None]:
    """Start programs in this order; at the end of the block stop them in the opposite one.

    Raises:
        DidNotStartError: one of them would not start; none is left behind.
    """
    try:
        for program in programs:
            await program.start()
        yield
    finally:
        for program in reversed(programs):
            await program.stop()
