"""Run one aiohttp application until it is told to stop."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable

from aiohttp import web

log = logging.getLogger(__name__)


async def serve(
    app: web.Application, host: str, port: int, *, before_stop: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        app: the application.
        host: the address to listen on.
        port: the port to listen on; 0 picks a free one.
        before_stop: awaited at the signal while requests are still answered: the time to finish things.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        log.info("listening on http://%s:%d", host, port)
        await stop.wait()
        if before_stop:
            await before_stop()
    finally:
        await runner.cleanup()
