"""OpenClaw's state folder: its configuration, its release, and what session store it has."""

import os
from pathlib import Path
from typing import Any

from services.session_bridge.adapters.openclaw import lenient
from services.session_bridge.adapters.openclaw.cli import OpenClawCommand
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain import release
from services.session_bridge.domain.choice import Evidence
from services.session_bridge.domain.release import Release
from services.session_bridge.domain.session_key import OpenClaw
from shared.openclaw_config import ConfigFile, OpenClawConfig, OpenClawConfigError


class OpenClawFolder:
    """Read what OpenClaw's own files say now. Every method reads the disk: call it in a thread.

    Args:
        root: the state folder, `~/.openclaw`.
        command: the command `openclaw`.
    """

    def __init__(self, root: Path, command: OpenClawCommand) -> None:
        self.root = root
        self._command = command
        self._config = ConfigFile(root)

    def config(self) -> OpenClawConfig:
        """Read `openclaw.json` and what it includes; parsed again only when one of the files has changed.

        Raises:
            CannotWriteYetError: it is there but cannot be understood.
        """
        try:
            return self._config.read()
        except OpenClawConfigError as error:
            raise CannotWriteYetError(f"OpenClaw's configuration cannot be read: {error}") from error

    def release(self) -> Release | None:
        """Tell whose folder it is: the release that wrote its configuration, else the one installed."""
        return release.parse(self.config().meta.get("lastTouchedVersion")) or self._command.release()

    def openclaw(self, agent_id: str) -> OpenClaw:
        """Gather what decides an owner's session key."""
        config = self.config()
        if (config.session.dm_scope, config.session.main_key) == ("main", "main"):
            return OpenClaw(config.session)
        keys = read_object(self._own_sessions(agent_id) / "sessions.json")
        return OpenClaw(config.session, self.release(), frozenset(keys))

    def sessions(self, agent_id: str) -> Path:
        """Name the folder of an agent's session files.

        Raises:
            CannotWriteYetError: the user keeps them elsewhere, or the configuration cannot be read.
        """
        own = self._own_sessions(agent_id)
        store = self.config().session.store
        if store and not _is_at(own / "sessions.json", store.replace("{agentId}", agent_id)):
            raise CannotWriteYetError(
                f"session.store in openclaw.json is {store}, and for us that is not {own / 'sessions.json'}, "
                "the only place calls are written to: stop OpenClaw, move its session files there, unless "
                "they are there (containers see other paths), and take session.store out."
            )
        return own

    def _own_sessions(self, agent_id: str) -> Path:
        return self.root / "agents" / agent_id / "sessions"

    def has_sqlite(self, agent_id: str) -> bool:
        """Tell whether an agent's sessions are in SQLite."""
        return (self.root / "agents" / agent_id / "agent" / "openclaw-agent.sqlite").exists()

    def evidence(self, agent_id: str) -> Evidence:
        """Gather what tells an agent's session store, the gateway's word excepted."""
        if self.has_sqlite(agent_id):
            return Evidence(has_sqlite=True)
        return Evidence(
            has_files=self._own_sessions(agent_id).is_dir(),
            installed=self._command.release(),
            wrote=release.parse(self.config().meta.get("lastTouchedVersion")),
        )


def _is_at(path: Path, store: str) -> bool:
    """Tell whether a `session.store` is that path; one that starts nowhere depends on where OpenClaw does."""
    try:
        named = Path(store).expanduser()
    except RuntimeError:  # there is no home
        return False
    return named.is_absolute() and named.resolve() == path.resolve()


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one if the file is not there.

    Raises:
        CannotWriteYetError: it cannot be read or is something else.
    """
    try:
        content = lenient.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CannotWriteYetError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise CannotWriteYetError(f"{path} holds something else than a JSON object.")
    return content


def sync_folder(folder: Path) -> None:
    """Make new names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
