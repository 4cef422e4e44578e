"""`make run` and `make demo`, as a person would start them."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.system.conftest import free_port

ROOT = Path(__file__).parents[2]
WITHIN_SECONDS = 40


async def started(module: str, cwd: Path, **environment: str) -> asyncio.subprocess.Process:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME")}  # noqa: TID251 - not the test run's settings
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        cwd=cwd,
        env=inherited | {"PYTHONPATH": str(ROOT), "CONFIG_DIR": str(ROOT / "config"), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )


async def until_said(process: asyncio.subprocess.Process, words: str) -> str:
    """Read what a process prints until it has said something."""
    assert process.stdout
    said = ""
    async with asyncio.timeout(WITHIN_SECONDS):
        async for line in process.stdout:
            said += line.decode()
            if words in said:
                return said
    raise AssertionError(said)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_ctrl_c_or_a_closed_terminal_leaves_no_process_and_no_traceback(
    tmp_path: Path, number: signal.Signals
) -> None:
    port, bridge_port, sandbox_port = free_port(), free_port(), free_port()
    process = await started(
        "dev.run", tmp_path, PORT=str(port), BRIDGE_PORT=str(bridge_port), SANDBOX_PORT=str(sandbox_port)
    )
    said = await until_said(process, "Ctrl-C stops everything.")
    assert f"localhost:{port}/call" in said
    assert re.findall(r"^  .*(http:\S+)$", said, re.MULTILINE)[0] == f"http://localhost:{bridge_port}/"

    async with aiohttp.ClientSession() as http:
        body = {"to": "+14155550123", "message": "Hello!"}
        async with http.post(f"http://127.0.0.1:{port}/call", json=body) as answer:
            assert answer.status == 202
        async with http.get(f"http://127.0.0.1:{bridge_port}/") as page:
            assert page.content_type == "text/html"
    process.send_signal(number)
    rest, _ = await asyncio.wait_for(process.communicate(), WITHIN_SECONDS)

    assert process.returncode == 0
    assert "Traceback" not in rest.decode()
    async with aiohttp.ClientSession() as http:
        for gone in (port, bridge_port, sandbox_port):
            with pytest.raises(aiohttp.ClientConnectorError):
                await http.get(f"http://127.0.0.1:{gone}/health")


async def test_a_wrong_setting_stops_the_start_and_says_what_to_change(tmp_path: Path) -> None:
    process = await started("services.voice_server", tmp_path, OPENAI_API_KEY="sk-x", PORT="eighty")
    said, _ = await asyncio.wait_for(process.communicate(), WITHIN_SECONDS)
    assert process.returncode == 4
    lines = said.decode().splitlines()
    assert [line for line in lines if "PORT:" in line and "e.g. PORT=8080" in line]
    assert [line for line in lines if "PUBLIC_URL: is missing; e.g. PUBLIC_URL=https://" in line]
    assert "Traceback" not in said.decode()


async def test_the_demo_shows_a_whole_call_within_twenty_seconds(tmp_path: Path) -> None:
    process = await started("dev.demo", tmp_path)
    said, _ = await asyncio.wait_for(process.communicate(), 25)
    text = said.decode()
    assert process.returncode == 0, text
    asked, answered = (text.index(f"ask_openclaw {mark}") for mark in ("{", "->"))
    assert "assistant  One moment, I'm looking." in text[asked:answered]
    for words in (
        "You wrote: My dentist",
        "gate B12",
        "call ended",
        '"type":"session"',
        "All of it happened.",
    ):
        assert words in text
