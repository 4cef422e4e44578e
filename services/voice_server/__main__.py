"""Start the voice server: `python -m services.voice_server`."""

import asyncio

from services.voice_server import keys
from services.voice_server.app import create, stop
from shared.server import serve


async def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    app = await create()
    config = app[keys.SETTINGS]
    await serve(app, config.host, config.port, before_stop=lambda: stop(app))


if __name__ == "__main__":
    asyncio.run(main())
