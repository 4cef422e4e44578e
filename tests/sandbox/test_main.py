import asyncio
import signal
import sys
from pathlib import Path

from aiohttp import ClientSession
from aiohttp.test_utils import unused_port

ROOT = Path(__file__).parents[2]


async def _started(**environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE
    )


async def test_it_serves_at_its_port_and_ends_when_told_to() -> None:
    port = unused_port()
    process = await _started(SANDBOX_PORT=str(port))
    assert process.stderr is not None
    try:
        async with asyncio.timeout(10):
            while b"listening" not in await process.stderr.readline():
                pass
        async with ClientSession() as http, http.get(f"http://127.0.0.1:{port}/health") as response:
            assert await response.json() == {"status": "ok"}
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_a_bad_setting_is_told_in_one_line() -> None:
    process = await _started(SANDBOX_SPEED="0")
    _, told = await process.communicate()
    assert process.returncode == 4
    assert told.decode().splitlines()[1].startswith("  SANDBOX_SPEED: ")
