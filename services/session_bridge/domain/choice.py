"""Which of OpenClaw's two session stores a call goes into, by what is to be seen. It is never guessed.

A file beside a SQLite store keeps OpenClaw's gateway from starting again, and one written for a release that
reads SQLite is never read: so whatever speaks for SQLite comes first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from services.session_bridge.domain.release import SQLITE, Release, spell


class Store(StrEnum):
    """The two ways OpenClaw keeps its sessions: files up to 2026.7.35, SQLite from 2026.8.1."""

    JSONL = "jsonl"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is to be seen of an agent's OpenClaw.

    `gateway` is the release of the one that answers, `installed` that of the command `openclaw`, `wrote` the
    one that last wrote its configuration: None where that is not to be seen. `gateway_reads_files` says that
    the gateway is of a release before SQLite; it may be without telling which.
    """

    has_sqlite: bool = False
    has_files: bool = False
    takes_transcripts: bool = False
    gateway_reads_files: bool = False
    gateway: Release | None = None
    installed: Release | None = None
    wrote: Release | None = None


class Choice(NamedTuple):
    """The store, None while undecided, and why."""

    store: Store | None
    why: str


_Rule = tuple[Callable[[Evidence], bool], Store, str]

_RULES: tuple[_Rule, ...] = (
    (lambda seen: seen.has_sqlite, Store.GATEWAY, "the agent has an openclaw-agent.sqlite"),
    (lambda seen: seen.takes_transcripts, Store.GATEWAY, "the gateway ({gateway}) takes transcripts"),
    (lambda seen: _is_from(seen.installed), Store.GATEWAY, "the installed OpenClaw is {installed}"),
    (lambda seen: _is_from(seen.wrote), Store.GATEWAY, "OpenClaw {wrote} wrote openclaw.json"),
    (lambda seen: seen.has_files, Store.JSONL, "the agent has session files and no SQLite store"),
    (lambda seen: seen.gateway_reads_files, Store.JSONL, "the gateway is OpenClaw {gateway}"),
    (lambda seen: _is_before(seen.installed), Store.JSONL, "the installed OpenClaw is {installed}"),
)

_UNDECIDED = (
    "There is no OpenClaw to be seen: start it once, correct OPENCLAW_STATE_DIR, OPENCLAW_AGENT_ID or "
    "OPENCLAW_GATEWAY_URL, or set OPENCLAW_STORE to jsonl (up to 2026.7.35) or gateway (from 2026.8.1)."
)
_IS_SQLITE = (
    "OPENCLAW_STORE=jsonl, but this OpenClaw keeps its sessions in SQLite and tolerates no session files: "
    "set OPENCLAW_STORE=auto."
)
_IS_FILES = (
    "OPENCLAW_STORE=gateway, but the gateway is OpenClaw {gateway}, which keeps its sessions in files: "
    "set OPENCLAW_STORE=auto."
)


def choose(setting: str, seen: Evidence) -> Choice:
    """Choose what the setting says (`auto`, `jsonl`, `gateway`); if auto, by the first rule that applies."""
    if setting == Store.JSONL and (seen.has_sqlite or seen.takes_transcripts):
        return Choice(None, _IS_SQLITE)
    if setting == Store.GATEWAY and seen.gateway_reads_files:
        return Choice(None, _IS_FILES.format(gateway=spell(seen.gateway)))
    if setting != "auto":
        return Choice(Store(setting), f"OPENCLAW_STORE={setting}")
    for applies, store, why in _RULES:
        if applies(seen):
            releases = {name: spell(getattr(seen, name)) for name in ("gateway", "installed", "wrote")}
            return Choice(store, why.format(**releases))
    return Choice(None, _UNDECIDED)


def _is_from(release: Release | None) -> bool:
    return release is not None and release >= SQLITE


def _is_before(release: Release | None) -> bool:
    return release is not None and release < SQLITE
