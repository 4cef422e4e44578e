"""Serve the stand-ins: `python -m sandbox`."""

import asyncio

from sandbox.app import opened
from sandbox.settings import SandboxSettings
from shared import logs
from shared.server import Runner, serve
from shared.settings import load


async def main(settings: SandboxSettings) -> None:
    """Serve until told to stop."""
    async with opened(settings) as sandbox:
        await serve(Runner(sandbox.app), settings.host, settings.port)


if __name__ == "__main__":
    logs.configure("info", None)
    asyncio.run(main(load(SandboxSettings)))
