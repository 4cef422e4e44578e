"""Where it is played: both services and the sandbox as processes, in a folder of their own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from dev.demo import free_ports
from dev.programs import Ports, sandbox, sandbox_environment, services
from dev.soak.plan import owners
from dev.soak.sockets import open_sockets
from dev.stack import Program, running
from sandbox.settings import SandboxSettings

HURRIED = {
    "LOG_LEVEL": "info",
    "LOG_FORMAT": "json",
    "ALLOWED_CALLERS": "*",
    "MAX_CALLS_PER_HOUR": "1000000",
    "MAX_DOLLARS_PER_DAY": "1000000",
    "MAX_MINUTES_PER_DAY": "1000000",
    "MAX_CALL_SECONDS": "10",
    "SILENCE_SECONDS": "6",
    "RECONCILE_SECONDS": "2",
}
"""Settings that let many short calls happen; everything else is as it is for a user."""


@dataclass
class Stage:
    """What runs, and how to ask it."""

    http: aiohttp.ClientSession
    folder: Path
    sandbox: Program
    bridge: Program
    voice: Program

    async def get(self, url: str) -> Any:
        """Ask for a document.

        Raises:
            aiohttp.ClientError: there is none, or nobody answers.
        """
        async with self.http.get(url, raise_for_status=True) as answer:
            return await answer.json()

    async def text(self, url: str) -> str:
        """Ask for a document that is not JSON; raises as `get` does."""
        async with self.http.get(url, raise_for_status=True) as answer:
            return await answer.text()

    async def faults(self) -> list[str]:
        """List what the sandbox can let go wrong."""
        listed = await self.get(f"{self.sandbox.url}/sandbox/faults")
        return [fault["name"] for fault in listed["faults"]]

    def sockets(self) -> dict[str, Counter[str]]:
        """Count the open sockets of each service, by what they are."""
        programs = (self.sandbox, self.bridge, self.voice)
        names = {int(program.url.rpartition(":")[2]): program.name for program in programs}
        return {
            program.name: open_sockets(program.process.pid, names)
            for program in (self.bridge, self.voice)
            if program.process
        }

    async def is_closed(self, before: Mapping[str, Counter[str]]) -> bool:
        """Tell whether no more sockets are open than before."""
        return all(self.sockets()[name] <= open_then for name, open_then in before.items())


@asynccontextmanager
async def staged(folder: Path, *, speed: float, parallel: int) -> AsyncIterator[Stage]:
    """Start everything; at the end of the block nothing of it runs any more."""
    sandbox_port, port, bridge_port = free_ports(3)
    ports = Ports(port=port, bridge_port=bridge_port)
    settings = SandboxSettings(port=sandbox_port, speed=speed, public_url=f"http://127.0.0.1:{port}")
    more = HURRIED | {"OWNER_NUMBERS": ",".join(owners()), "MAX_CONCURRENT_CALLS": str(4 * parallel)}
    both = services(ports, sandbox_environment(settings, ports, folder) | more, folder)
    programs = [sandbox(settings, folder), *both]
    for program in programs:
        program.log = folder / f"{program.name.replace(' ', '-')}.log"
    connector = aiohttp.TCPConnector(
        limit=0, force_close=True
    )  # or our own would be counted among the open ones
    async with running(programs), aiohttp.ClientSession(connector=connector) as http:
        yield Stage(http, folder, *programs)


async def until(fact: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Wait until something is so, at most so long; a process that does not answer makes nothing so."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        if await _is_so(fact):
            return True
        if asyncio.get_running_loop().time() >= end:
            return False
        await asyncio.sleep(0.1)


async def _is_so(fact: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await fact()
    except aiohttp.ClientError:
        return False
