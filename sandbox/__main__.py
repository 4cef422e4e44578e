"""Serve the stand-ins: `python -m sandbox`."""

import asyncio

from pydantic import ValidationError

from sandbox.app import opened
from sandbox.settings import SandboxSettings
from shared import logs
from shared.server import Runner, serve
from shared.settings import faults, refuse_to_start


async def main(settings: SandboxSettings) -> None:
    """Serve until told to stop."""
    async with opened(settings) as sandbox:
        await serve(Runner(sandbox.app), settings.host, settings.port)


if __name__ == "__main__":
    logs.configure("info", None)
    try:
        chosen = SandboxSettings()
    except ValidationError as error:
        refuse_to_start("\n".join(["The settings need a change:", *faults(error, SandboxSettings)]))
    asyncio.run(main(chosen))
