"""What tells the releases of OpenClaw apart on the gateway's WebSocket."""

from dataclasses import dataclass
from typing import Literal

Release = Literal["none", "2026.2.2", "2026.7.35", "2026.9.6"]
"""Whose WebSocket the gateway answers; `none` is a gateway with its chat endpoint alone."""

_OLD = frozenset(
    {"health", "config.get", "chat.history", "chat.send", "sessions.list", "sessions.patch", "sessions.reset"}
)
_NEWER = frozenset({"sessions.subscribe", "sessions.messages.subscribe", "send"})
_TALK = frozenset({"talk.catalog", "talk.client.create", "talk.client.transcript", "talk.client.close"})


@dataclass(frozen=True)
class Ways:
    """How one release speaks.

    Attributes:
        protocol: the only one it takes.
        server: the version it names in its hello.
        methods: what it knows of what the stand-in plays.
        patch_scope: what `sessions.patch` needs.
        tells_scopes: whether hello says which scopes were granted.
        detailed: whether a missing scope is `FORBIDDEN` with details, or `INVALID_REQUEST`.
    """

    protocol: int
    server: str
    methods: frozenset[str]
    patch_scope: str
    tells_scopes: bool = True
    detailed: bool = False


WAYS: dict[str, Ways] = {
    "2026.2.2": Ways(3, "dev", _OLD, "operator.admin", tells_scopes=False),
    "2026.7.35": Ways(4, "2026.7.35", _OLD | _NEWER, "operator.write"),
    "2026.9.6": Ways(
        4, "2026.9.6", _OLD | _NEWER | _TALK | {"chat.message.get"}, "operator.write", detailed=True
    ),
}
