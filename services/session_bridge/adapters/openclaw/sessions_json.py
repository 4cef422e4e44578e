"""`sessions.json`: which file holds which conversation. OpenClaw's file, so nothing unknown is touched."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.session_bridge.adapters.openclaw import lenient
from services.session_bridge.adapters.openclaw.folder import read_object, sync_folder
from services.session_bridge.adapters.openclaw.locks import SESSIONS_JSON_STALE_SECONDS, held
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from shared.file_version import version

Entry = dict[str, Any]

_ATTEMPTS = 5


def read(folder: Path, key: str) -> Entry | None:
    """Read one entry; None if there is none."""
    entry = read_object(folder / "sessions.json").get(key)
    return entry if isinstance(entry, dict) else None


def change(folder: Path, key: str, how: Callable[[Entry | None], Entry | None]) -> None:
    """Replace one entry by what `how` makes of it (None: leave it).

    Done under the lock that releases up to 2026.4 know. Later ones have none: there a write of theirs between
    our look and our rename is noticed and the change made again.

    Raises:
        CannotWriteYetError: the file is being written all the time, or cannot be read.
    """
    path = folder / "sessions.json"
    lock = folder / "sessions.json.lock"
    with held(lock, stale_seconds=SESSIONS_JSON_STALE_SECONDS, wait_seconds=1):
        for _ in range(_ATTEMPTS):
            seen = version(path)
            entries = read_object(path)
            found = entries.get(key)
            changed = how(found if isinstance(found, dict) else None)
            if changed is None:
                return
            entries[key] = changed
            if _replace(path, lenient.dumps(entries), seen):
                return
    raise CannotWriteYetError(f"{path} changes all the time; the write is tried again later.")


def _replace(path: Path, content: bytes, seen: object) -> bool:
    # mkstemp makes it 0600, as OpenClaw does.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".sessions.json.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if version(path) != seen:
            return False
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    sync_folder(path.parent)
    return True
