"""All session files of an agent as they stand, also those that OpenClaw has put away: which lines are where.

OpenClaw renames a conversation that is reset or deleted (`.jsonl.reset.<time>`, `.jsonl.deleted.<time>`); the
file of one that is branched off repeats the lines before the branch. Checkpoints and backups are no
conversations.
"""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from services.session_bridge.adapters.openclaw import transcript_file
from services.session_bridge.adapters.openclaw.conversation import walk
from services.session_bridge.domain.verdict import Kept

_NAME = re.compile(r"(?P<session>.+?)\.jsonl(\.(?P<why>reset|deleted)\.(?P<when>[0-9TZ:.-]+))?")
_NO_CONVERSATION = re.compile(r"\.(trajectory|checkpoint\.[^.]+|corrupt-[^.]+)\.jsonl$")


class _Name(NamedTuple):
    """A file's name taken apart, so that they sort by age: what was put away first, the current one last."""

    session_id: str
    is_current: bool
    put_away_at: str
    why: str


@dataclass(frozen=True, slots=True)
class SessionFile:
    """One conversation, or what was put away of it: the ids of the lines that were asked for."""

    name: _Name
    walked: tuple[str, ...]
    beside: tuple[str, ...]


def read_all(folder: Path, asked: Container[str]) -> list[SessionFile]:
    """Read an agent's session files, the oldest of each conversation first."""
    named = sorted((name, path) for path in folder.glob("*.jsonl*") if (name := _name(path)) is not None)
    there = {path: [line for line in transcript_file.ids(path) if line in asked] for _, path in named}
    branches = {path for path in there if transcript_file.is_branch(path)}
    begun = {line for path, lines in there.items() if path not in branches for line in lines}
    files = []
    for name, path in named:
        inherited = begun if path in branches else set()
        beside = [line for line in there[path] if line not in inherited]
        walked = [line for record in walk(path) if (line := record["id"]) in beside][::-1]
        for line in walked:
            beside.remove(line)
        files.append(SessionFile(name, tuple(walked), tuple(beside)))
    return files


def gather(files: Iterable[SessionFile], wanted: tuple[str, ...], place: str | None, pointed: str) -> Kept:
    """Gather what stands of a block in an agent's files; `pointed` is the session its key leads to now."""
    seen: list[str] = []
    beside: list[str] = []
    deleted, ours = True, frozenset(wanted)
    for file in files:
        found = [line for line in file.walked if line in ours]
        seen += found
        beside += [line for line in file.beside if line in ours]
        deleted = deleted and (not found or file.name.why == "deleted")
    removed = ""
    if seen and deleted:
        removed = "the OpenClaw session was deleted; its file is kept as .jsonl.deleted"
    elif not seen + beside and place not in {None, pointed, *(file.name.session_id for file in files)}:
        removed = f"OpenClaw session {place} has no file any more, nor does its key lead there"
    return Kept(wanted, tuple(seen), tuple(beside), removed)


def _name(path: Path) -> _Name | None:
    parts = _NAME.fullmatch(path.name)
    if parts is None or _NO_CONVERSATION.search(path.name):
        return None
    return _Name(parts["session"], parts["why"] is None, parts["when"] or "", parts["why"] or "")
