import asyncio
import os
import signal
import socket

import aiohttp
import pytest
from aiohttp import web

from shared.server import Runner, serve


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_at_the_signal_a_server_still_answers_while_it_finishes_and_then_is_gone(
    number: signal.Signals,
) -> None:
    port, told = free_port(), []
    up = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="here")

    async def ask() -> str:
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/") as got:
            return await got.text()

    async def finish() -> None:
        told.append(await ask())

    async def cleaned(_: web.Application) -> None:
        told.append("cleaned")

    app = web.Application()
    app.router.add_get("/", answer)
    app.on_cleanup.append(cleaned)

    async def starts(_: web.Application) -> None:
        up.set()

    app.on_startup.append(starts)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(Runner(app, before_stop=finish), "127.0.0.1", port))
        await up.wait()
        os.kill(os.getpid(), number)
    assert told == ["here", "cleaned"]
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask()


async def test_a_port_that_is_taken_is_said_at_once_and_nothing_is_left_open(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cleaned = asyncio.Event()

    async def clean(_: web.Application) -> None:
        cleaned.set()

    app = web.Application()
    app.on_cleanup.append(clean)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(SystemExit):
            await serve(Runner(app), "127.0.0.1", listener.getsockname()[1])
    assert cleaned.is_set()
    assert "address already in use; set another port" in capsys.readouterr().err
