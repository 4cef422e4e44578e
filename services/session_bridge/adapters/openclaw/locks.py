"""OpenClaw's lock files, kept by OpenClaw's rules.

From 2026.5.18 on OpenClaw takes a lock away from a living process whose command line has no word `openclaw`,
so `python -m services.session_bridge` adds one to its own; gunicorn needs `--name openclaw`.
Holder and waiter must see the same process ids: in a container share OpenClaw's pid namespace.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog

from services.session_bridge.adapters.openclaw.store import BusyError
from shared.events import iso
from shared.file_version import version

log = structlog.get_logger()

TRANSCRIPT_STALE_SECONDS = 30 * 60
SESSIONS_JSON_STALE_SECONDS = 30
UNSIGNED_STALE_SECONDS = 30
POLL_SECONDS = 0.025


@contextmanager
def held(path: Path, *, stale_seconds: float, wait_seconds: float) -> Iterator[None]:
    """Hold a lock file for the length of the block.

    Raises:
        BusyError: somebody living has held it all the time.
    """
    mine = orjson.dumps(
        {
            "pid": os.getpid(),
            "createdAt": iso(datetime.now(UTC)),
            "maxHoldMs": 300_000,
            "starttime": _start_time(os.getpid()),
        }
    )
    deadline = time.monotonic() + wait_seconds
    while not _create(path, mine):
        seen = version(path)
        if _is_stale(path, stale_seconds):
            if version(path) == seen:
                log.warning("stale_lock_removed", lock=path.name)
                path.unlink(missing_ok=True)
        elif time.monotonic() >= deadline:
            raise BusyError(f"{path.name} is held by OpenClaw; the write is tried again later.")
        else:
            time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        if _read(path) == mine:
            path.unlink(missing_ok=True)
        else:
            log.warning(
                "lock_was_taken_away", lock=path.name, remedy="start the bridge with argument openclaw"
            )


def _create(path: Path, payload: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    try:
        os.write(descriptor, payload)
    except OSError:
        path.unlink()  # One that nobody has signed is waited for.
        raise
    finally:
        os.close(descriptor)
    return True


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _is_stale(path: Path, stale_seconds: float) -> bool:
    try:
        age = time.time() - path.stat().st_mtime
        owner: Any = orjson.loads(path.read_bytes())
        pid = int(owner["pid"])
    except FileNotFoundError:
        return False
    except (ValueError, TypeError, KeyError):
        return age > UNSIGNED_STALE_SECONDS
    started = _start_time(pid)
    reused = "starttime" in owner and started is not None and owner["starttime"] != started
    return not _is_alive(pid) or reused or age > stale_seconds


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except OverflowError:
        return False
    return True


def _start_time(pid: int) -> int | None:
    """Read when a process began, in clock ticks since boot; None where there is no /proc."""
    stat = _read(Path(f"/proc/{pid}/stat"))
    return int(stat.rpartition(b")")[2].split()[19]) if stat else None
