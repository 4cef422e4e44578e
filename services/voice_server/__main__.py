"""Start the voice server: `python -m services.voice_server`."""

import asyncio

from services.voice_server import keys
from services.voice_server.app import create
from shared.server import serve


async def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    runner = await create()
    config = runner.app[keys.SETTINGS]
    await serve(runner, config.host, config.port)


if __name__ == "__main__":
    asyncio.run(main())
