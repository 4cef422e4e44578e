"""The session key: which OpenClaw conversation a caller's words belong to.

OpenClaw gives a person one key per scope (`session.dmScope`). A call shares a text channel's conversation
only if it comes to the very same key, so this is OpenClaw's own function for a peer of channel `voice`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from services.session_bridge.domain.release import DIRECT_KEYS, Release
from shared.events import ANONYMOUS
from shared.openclaw_config import SessionRules

FULL_KEY = re.compile(r"agent:[a-z0-9][a-z0-9_-]*:[^\x00-\x20\x7f-\xa0]+")
"""What a key is in full: whose agent's conversation, and which. JSON Schema reads it the same way."""

_CASE_COUNTS = re.compile(r":(signal:group|matrix:(channel|group)):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OpenClaw:
    """What is known of the OpenClaw whose conversations these are."""

    rules: SessionRules = field(default_factory=SessionRules)
    release: Release | None = None
    existing_keys: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Callers:
    """Who is who by our own settings."""

    agent_id: str
    owners: frozenset[str] = frozenset()
    mapped: Mapping[str, str] = field(default_factory=dict)

    def key(self, number: str, call_id: str, openclaw: OpenClaw) -> str:
        """Decide the session key of a call with this number (E.164 or `anonymous`)."""
        if number in self.mapped:
            return self.mapped[number]
        if number in self.owners:
            return _owner_key(self.agent_id, number, openclaw)
        who = f"{ANONYMOUS}-{call_id}" if number == ANONYMOUS else number
        return f"agent:{self.agent_id}:voice:direct:{who}"


def agent_of(session_key: str) -> str:
    """Name the agent in a full key: `agent:<id>:…`."""
    return session_key.split(":", 2)[1]


def as_kept(session_key: str) -> str:
    """Spell a key as OpenClaw's session files do: in lower case, but for the ids of some channels' groups."""
    return session_key if _CASE_COUNTS.search(session_key) else session_key.lower()


def _owner_key(agent_id: str, number: str, openclaw: OpenClaw) -> str:
    prefix, rules = f"agent:{agent_id}", openclaw.rules
    if rules.dm_scope == "main":
        return f"{prefix}:{_main_key(prefix, openclaw)}"
    direct = "dm" if _says_dm(openclaw) else "direct"
    peer = _linked(number, rules.identity_links)
    return {
        "per-peer": f"{prefix}:{direct}:{peer}",
        "per-channel-peer": f"{prefix}:voice:{direct}:{peer}",
        "per-account-channel-peer": f"{prefix}:voice:default:{direct}:{peer}",
    }[rules.dm_scope]


def _main_key(prefix: str, openclaw: OpenClaw) -> str:
    # 2026.2.2 honours mainKey, 2026.7.35 ignores it: what is there tells which.
    wanted = openclaw.rules.main_key.lower()
    early = openclaw.release is not None and openclaw.release < DIRECT_KEYS
    in_use = f"{prefix}:{wanted}" in openclaw.existing_keys and f"{prefix}:main" not in openclaw.existing_keys
    return wanted if early or in_use else "main"


def _says_dm(openclaw: OpenClaw) -> bool:
    if openclaw.release is not None:
        return openclaw.release < DIRECT_KEYS
    return any(":dm:" in key for key in openclaw.existing_keys) and not any(
        ":direct:" in key for key in openclaw.existing_keys
    )


def _linked(number: str, links: Mapping[str, list[str]]) -> str:
    names = {number, f"voice:{number}"}
    for person, ids in links.items():
        if person.strip() and names & {link.strip().lower() for link in ids}:
            return person.strip().lower()
    return number
