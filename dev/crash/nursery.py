"""Bridges born in no time: a process that has loaded the bridge forks another for each line it is sent.

Each is a process of its own that runs what `python -m services.session_bridge` runs; only loading is saved.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path


class Nursery:
    """Bears bridges, one after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def born(self) -> int:
        """Start a bridge, after the end of the one before; its process id."""
        assert self._process.stdin  # noqa: S101 - it is a pipe
        assert self._process.stdout  # noqa: S101 - it is a pipe
        self._process.stdin.write(b"\n")
        return int(await self._process.stdout.readline())


@asynccontextmanager
async def nursery(environment: Mapping[str, str], folder: Path) -> AsyncIterator[Nursery]:
    """Open a nursery; what the bridges print is in `bridge.log`. In the end the last is killed."""
    with (folder / "bridge.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dev.crash.nursery", "openclaw"),
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        try:
            yield Nursery(process)
        finally:
            process.terminate()
            await process.wait()


def _bear() -> None:
    from services.session_bridge import app  # noqa: F401, PLC0415 - loaded here, for all that are born
    from services.session_bridge.__main__ import main  # noqa: PLC0415 - only in the nursery

    child = 0

    def end(*_: object) -> None:
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    while sys.stdin.readline():
        if child:
            os.waitpid(child, 0)
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            asyncio.run(main())
            os._exit(0)
        print(child, flush=True)
    end()


if __name__ == "__main__":
    _bear()
