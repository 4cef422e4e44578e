"""The bridge as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from tests.session_bridge.bridge import fetch
from tests.session_bridge.calls import CALL, NUMBER, call
from tests.session_bridge.openclaw import Home

KEY = f"agent:main:voice:direct:{NUMBER}"
MODULE = [sys.executable, "-m", "services.session_bridge"]
Run = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


@pytest.fixture
def run(tmp_path: Path, home: Home, port: int) -> Iterator[Run]:
    """Start the bridge as a process; whatever still runs in the end is killed."""
    settings = {
        "OPENAI_BASE_URL": "http://127.0.0.1:9",
        "TWILIO_BASE_URL": "http://127.0.0.1:9",
        "VOICE_SERVER_URL": "http://127.0.0.1:9",
        "BRIDGE_PORT": str(port),
        "DATA_DIR": str(tmp_path / "data"),
        "CONFIG_DIR": str(tmp_path),
        "OPENCLAW_STATE_DIR": str(home.root),
        "PATH": os.defpath,
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(command: list[str], **changes: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, env=settings | changes, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def healthy(port: int, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while fetch(port, "/health") is None:
        assert time.monotonic() < deadline, "the bridge did not come up"
        time.sleep(0.02)


def stopped(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Stop a process politely: its exit status and what it logged."""
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=10)
    return process.returncode, log.decode()


def test_it_stops_at_a_signal_in_silence_and_its_command_line_says_openclaw(run: Run, port: int) -> None:
    process = run(MODULE)
    healthy(port)
    command = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    assert b"openclaw" in command
    code, log = stopped(process)
    assert code == 0
    assert "Traceback" not in log


@pytest.mark.parametrize("moment", ["at once", "locked", "written"])
def test_a_kill_during_delivery_ends_in_one_block(run: Run, port: int, home: Home, moment: str) -> None:
    home.enter(KEY, sessionId="s1", updatedAt=int(time.time() * 1000))
    path, lock = home.sessions / "s1.jsonl", home.sessions / "s1.jsonl.lock"
    if moment == "locked":
        lock.write_bytes(orjson.dumps({"pid": os.getpid(), "createdAt": "2026-11-22T14:00:00Z"}))
    process = run(MODULE)
    healthy(port)
    for event in call("user: hi", "assistant: hello"):
        assert fetch(port, "/call-event", event) is not None
    deadline = time.monotonic() + 5
    while moment == "written" and not path.exists():
        assert time.monotonic() < deadline
    process.kill()
    process.communicate()
    lock.unlink(missing_ok=moment != "locked")
    run(MODULE)
    healthy(port)
    while (fetch(port, "/sessions?state=synced") or {"sessions": []})["sessions"] == []:
        assert time.monotonic() < deadline + 10
        time.sleep(0.02)
    assert home.texts(KEY) == ["user: hi", "assistant: hello"]
    assert len(home.transcript(KEY)) == 3
    assert fetch(port, "/sync-transcript", {"callId": CALL}) == {
        "success": True,
        "sessionKey": KEY,
        "messagesInjected": 0,
        "store": "jsonl",
    }


def test_it_runs_under_gunicorn(run: Run, port: int) -> None:
    worker = ["-k", "aiohttp.GunicornWebWorker", "--no-control-socket", "--name", "openclaw"]
    address = f"127.0.0.1:{port}"
    application = "services.session_bridge.app:create"
    process = run([sys.executable, "-m", "gunicorn", *worker, "-b", address, application])
    healthy(port)
    code, log = stopped(process)
    assert code == 0
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("arguments", "settings", "line"),
    [
        (["help"], {}, "no other arguments"),
        ([], {"OPENCLAW_STORE": "redis"}, "OPENCLAW_STORE"),
        ([], {"DATA_DIR": "/dev/null/data"}, "DATA_DIR"),
    ],
)
def test_what_keeps_it_from_starting_is_told_without_a_traceback(
    run: Run, arguments: list[str], settings: dict[str, str], line: str
) -> None:
    process = run([*MODULE, *arguments], **settings)
    _, log = process.communicate(timeout=10)
    assert process.returncode != 0
    assert line in log.decode()
    assert "Traceback" not in log.decode()
