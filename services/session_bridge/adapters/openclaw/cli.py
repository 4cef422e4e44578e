"""The command `openclaw`, as far as its release goes."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import orjson
import structlog

from services.session_bridge.domain import release
from services.session_bridge.domain.release import Release

log = structlog.get_logger()

_SECONDS = 60
"""The first run ever of 2026.2.2 took 54 s."""

_VERSION = re.compile(r"\d+\.\d+\.\d+")


class OpenClawCommand:
    """Tell the release of the command on the PATH. Reads the disk and may run it: call it in a thread.

    Args:
        find: finds the command; None if there is none.
    """

    def __init__(self, find: Callable[[], str | None] = lambda: shutil.which("openclaw")) -> None:
        self._find = find
        self._known: tuple[object, Release | None] = (None, None)

    def release(self) -> Release | None:
        """Tell its release, anew when it changes; None if there is no such command or it will not say."""
        found = self._find()
        if found is None:
            return None
        path = Path(found).resolve()
        try:
            installed = path, path.stat().st_mtime_ns
        except OSError:
            return None
        if self._known[0] != installed:
            self._known = installed, _of_package(path) or _said_by(path)
        return self._known[1]


def _of_package(path: Path) -> Release | None:
    """Read it from the package the command belongs to, which takes no second."""
    try:
        package = orjson.loads((path.parent / "package.json").read_bytes())
    except (OSError, ValueError):
        return None
    named = isinstance(package, dict) and package.get("name") == "openclaw"
    return release.parse(package.get("version")) if named else None


def _said_by(path: Path) -> Release | None:
    try:
        said = subprocess.run(  # noqa: S603 - the user's own command
            [path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("openclaw_release_unknown", error=str(error))
        return None
    found = _VERSION.search(said)
    return release.parse(found[0]) if found else None
