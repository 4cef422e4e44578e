"""OpenClaw's state folder: its configuration, its release, and which session store it has."""

import os
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from services.session_bridge.domain import release
from services.session_bridge.domain.release import Release
from services.session_bridge.domain.session_key import OpenClaw
from shared import openclaw_config
from shared.openclaw_config import OpenClawConfig, OpenClawConfigError


class CannotWriteYetError(Exception):
    """The transcript cannot be written now; the text says what is in the way."""


class Store(StrEnum):
    """The two ways OpenClaw keeps its sessions: files up to 2026.7.35, SQLite from 2026.8.1."""

    JSONL = "jsonl"
    GATEWAY = "gateway"


class OpenClawFolder:
    """Read what OpenClaw's own files say now. Every method reads the disk: call it in a thread.

    Args:
        root: the state folder, `~/.openclaw`.
        setting: `auto` or `jsonl`.
    """

    def __init__(self, root: Path, setting: str) -> None:
        self.root = root
        self._setting = setting
        self._config: tuple[tuple[int, int, int] | None, OpenClawConfig] | None = None

    def config(self) -> OpenClawConfig:
        """Read `openclaw.json`; parsed again only when it has changed.

        Raises:
            CannotWriteYetError: it is there but cannot be understood.
        """
        seen = version(self.root / "openclaw.json")
        if self._config is None or self._config[0] != seen:
            try:
                self._config = seen, openclaw_config.read(self.root)
            except OpenClawConfigError as error:
                raise CannotWriteYetError(f"OpenClaw's configuration cannot be read: {error}") from error
        return self._config[1]

    def openclaw(self, agent_id: str) -> OpenClaw:
        """Gather what decides an owner's session key."""
        config = self.config()
        keys: dict[str, Any] = {}
        if (config.session.dm_scope, config.session.main_key) != ("main", "main"):
            keys = read_object(self.sessions(agent_id) / "sessions.json")
        return OpenClaw(config.session, release.parse(config.meta.get("lastTouchedVersion")), frozenset(keys))

    def sessions(self, agent_id: str) -> Path:
        """Name the folder of an agent's session files."""
        return self.root / "agents" / agent_id / "sessions"

    def store(self, agent_id: str) -> Store | None:
        """Tell which store an agent has; None if there is nothing to tell it by.

        A file beside an `openclaw-agent.sqlite` would keep the gateway from starting again: that settles it.
        """
        if (self.root / "agents" / agent_id / "agent" / "openclaw-agent.sqlite").exists():
            return Store.GATEWAY
        if self._setting == Store.JSONL:
            return Store.JSONL
        if (wrote := self._last_release()) is not None and wrote >= release.SQLITE:
            return Store.GATEWAY
        return Store.JSONL if self.sessions(agent_id).is_dir() else None

    def _last_release(self) -> Release | None:
        with suppress(CannotWriteYetError):
            return release.parse(self.config().meta.get("lastTouchedVersion"))
        return None

    def require_jsonl(self, agent_id: str) -> Path:
        """Answer the folder to write session files into.

        Raises:
            CannotWriteYetError: there is no such store, or none yet.
        """
        store = self.store(agent_id)
        if store is Store.GATEWAY:
            raise CannotWriteYetError(
                f"OpenClaw keeps the sessions of agent {agent_id} in SQLite (2026.8.1 or newer), "
                "which needs the gateway store; this version has none, so the call waits."
            )
        if store is None:
            raise CannotWriteYetError(
                f"There are no OpenClaw sessions at {self.sessions(agent_id)}: start OpenClaw once, "
                "correct OPENCLAW_STATE_DIR or OPENCLAW_AGENT_ID, or set OPENCLAW_STORE=jsonl."
            )
        return self.sessions(agent_id)


def version(path: Path) -> tuple[int, int, int] | None:
    """Tell one state of a file from another; None if it is not there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one if the file is not there.

    Raises:
        CannotWriteYetError: it cannot be read or is something else.
    """
    try:
        content = orjson.loads(path.read_bytes())
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
