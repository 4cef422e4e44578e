"""The sandbox as a whole: every stand-in on one port, as a process of its own or inside a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from sandbox.settings import SandboxSettings
from sandbox.switches import Switches
from sandbox.world import World, world
from shared.problems import json_response


class Sandbox:
    """Twilio, OpenAI, OpenClaw's gateway and the people who telephone."""

    def __init__(self, surroundings: World) -> None:
        self.world = surroundings
        self.url = ""
        self.app = web.Application()
        self.app.router.add_get("/health", _health)

    @property
    def switches(self) -> Switches:
        """What can be turned while it runs."""
        return self.world.switches

    @property
    def public_url(self) -> str:
        """Where the service under test is; may be set while the sandbox runs."""
        return self.world.public_url

    @public_url.setter
    def public_url(self, url: str) -> None:
        self.world.public_url = url


async def _health(_request: web.Request) -> web.Response:
    return json_response({"status": "ok"})


@asynccontextmanager
async def opened(settings: SandboxSettings) -> AsyncIterator[Sandbox]:
    """Build a sandbox that somebody else serves."""
    async with world(settings) as surroundings:
        yield Sandbox(surroundings)


@asynccontextmanager
async def running(settings: SandboxSettings) -> AsyncIterator[Sandbox]:
    """Build a sandbox and serve it; port 0 picks a free one, `Sandbox.url` tells which."""
    async with opened(settings) as sandbox:
        runner = web.AppRunner(sandbox.app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, settings.host, settings.port)
            await site.start()
            sandbox.url = f"http://{settings.host}:{runner.addresses[0][1]}"
            yield sandbox
        finally:
            await runner.cleanup()
