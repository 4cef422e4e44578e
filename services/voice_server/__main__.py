"""Start the voice server: `python -m services.voice_server`."""

import asyncio

from services.voice_server import keys
from services.voice_server.app import create, stop
from shared.server import serve


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    app = create()
    config = app[keys.SETTINGS]
    asyncio.run(serve(app, config.host, config.port, before_stop=lambda: stop(app)))


if __name__ == "__main__":
    main()
