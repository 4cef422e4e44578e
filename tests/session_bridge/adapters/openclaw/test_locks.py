import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from services.session_bridge.adapters.openclaw.locks import held
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "s.jsonl.lock"


@pytest.fixture
def living() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


def is_taken(lock: Path, payload: bytes, age_seconds: float = 0) -> bool:
    """Tell whether a lock with this content is taken over."""
    lock.write_bytes(payload)
    then = lock.stat().st_mtime - age_seconds
    os.utime(lock, (then, then))
    try:
        with held(lock, stale_seconds=1800, wait_seconds=0):
            return True
    except CannotWriteYetError:
        return False


def test_a_lock_says_who_holds_it_and_is_gone_afterwards(lock: Path) -> None:
    with held(lock, stale_seconds=1800, wait_seconds=0):
        payload = orjson.loads(lock.read_bytes())
        assert payload["pid"] == os.getpid()
        assert payload["maxHoldMs"] == 300_000
        started = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19]
        assert payload["starttime"] == int(started)
        assert payload["createdAt"].endswith("Z")
    assert not lock.exists()


def test_a_lock_is_gone_after_a_failure_too(lock: Path) -> None:
    with pytest.raises(RuntimeError), held(lock, stale_seconds=1800, wait_seconds=0):
        raise RuntimeError
    assert not lock.exists()


def test_a_living_holder_is_respected(lock: Path, living: int) -> None:
    assert not is_taken(lock, orjson.dumps({"pid": living}))
    assert not is_taken(lock, orjson.dumps({"pid": 1, "createdAt": "2026-11-22T14:00:00Z"}))


def test_a_dead_holder_is_not(lock: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    assert is_taken(lock, orjson.dumps({"pid": dead.pid}))


def test_a_process_id_used_again_is_another_holder(lock: Path, living: int) -> None:
    assert is_taken(lock, orjson.dumps({"pid": living, "starttime": 1}))


def test_a_holder_of_half_an_hour_is_given_up(lock: Path, living: int) -> None:
    assert is_taken(lock, orjson.dumps({"pid": living}), age_seconds=1801)


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"pid": null}', b"torn"])
def test_a_lock_without_a_name_is_given_time_to_get_one(lock: Path, payload: bytes) -> None:
    assert not is_taken(lock, payload)
    assert is_taken(lock, payload, age_seconds=31)


def test_a_lock_that_was_taken_away_is_not_removed(lock: Path) -> None:
    with held(lock, stale_seconds=1800, wait_seconds=0):
        lock.write_bytes(b"somebody else's")
    assert lock.read_bytes() == b"somebody else's"


def test_a_lock_freed_in_time_is_had(lock: Path, living: int) -> None:
    lock.write_bytes(orjson.dumps({"pid": living}))
    os.kill(living, 9)
    os.waitpid(living, 0)
    with held(lock, stale_seconds=1800, wait_seconds=1):
        assert lock.exists()
