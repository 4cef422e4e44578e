"""What every part of the sandbox stands in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import ClientSession, TCPConnector

from sandbox.armed import Armed
from sandbox.clock import Clock
from sandbox.settings import SandboxSettings
from sandbox.switches import Switches
from sandbox.watch import Watch
from shared.tasks import Tasks


@dataclass
class World:
    """Pace, switches, armed faults, background tasks and the way out to the service under test.

    `public_url` may change while the sandbox runs: the service often starts after it.
    """

    settings: SandboxSettings
    clock: Clock
    switches: Switches
    armed: Armed
    watch: Watch
    tasks: Tasks
    http: ClientSession
    public_url: str


@asynccontextmanager
async def world(settings: SandboxSettings) -> AsyncIterator[World]:
    """Make a world; when the block ends, nothing of it runs any more."""
    async with ClientSession(connector=TCPConnector(limit=0)) as http, Tasks() as tasks:
        switches = Switches(gateway_release=settings.gateway_release)
        yield World(
            settings, Clock(settings.speed), switches, Armed(), Watch(), tasks, http, settings.public_url
        )
