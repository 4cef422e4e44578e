"""Run one aiohttp application until it is told to stop."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable

from aiohttp import web

from shared.settings import refuse_to_start

log = logging.getLogger(__name__)


class Runner(web.AppRunner):
    """Runs an application, and before it closes its doors lets it finish things.

    gunicorn's aiohttp worker takes one in place of an application.

    Args:
        app: the application.
        before_stop: awaited when the process is told to stop, while requests are still answered.
    """

    def __init__(
        self, app: web.Application, before_stop: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        # Connections last longer than a client of ours keeps them, so that it never writes into a closed one.
        # Whoever still waits for an answer after `before_stop` will not get one.
        super().__init__(app, access_log=None, shutdown_timeout=0.5, keepalive_timeout=75)
        self._before_stop = before_stop

    async def cleanup(self) -> None:
        """Finish things, then close."""
        if self.server and self._before_stop:
            await self._before_stop()
        await super().cleanup()


async def serve(runner: web.AppRunner, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Port 0 picks a free one."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            refuse_to_start(
                f"Nothing can listen at {host}:{port}: {error.strerror or error}; set another port"
            )
        log.info("listening on http://%s:%d", host, port)
        await stop.wait()
    finally:
        await runner.cleanup()
