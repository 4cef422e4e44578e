"""What was said in an OpenClaw conversation, told from what OpenClaw writes into it besides.

A row of role `user` may come from a heartbeat, another session or the runtime, and may carry the channel's
data around the words; the marks are those of 2026.2.2 to 2026.9.6. Replies that the agent's next turn would
not get (failed, cut short, notes of the gateway's) are none here, either.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from shared.characters import whole
from shared.events import Speaker

_AROUND: Mapping[Speaker, tuple[re.Pattern[str], ...]] = {
    Speaker.CALLER: (
        re.compile(
            r"(?ms)^<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>$.*?(^<<<END_OPENCLAW_INTERNAL_CONTEXT>>>$|\Z)"
        ),
        re.compile(r"(?ms)^OpenClaw runtime (context\b[^\n]*:|context for [^\n]*\.|event\.)$.*\Z"),
        re.compile(r"(?ms)^[^\n]+ \(untrusted[^\n]*\):\n```json\n.*?^```$"),
        re.compile(
            r"(?ms)^Untrusted context \([^\n]*\):\n<active_memory_plugin>.*?^</active_memory_plugin>$"
        ),
        re.compile(r"(?ms)^Untrusted context \([^\n]*\):$.*\Z"),
        re.compile(r"(?m)^\[Queued user message that arrived [^\]\n]*\]$"),
        re.compile(r"(?m)^System( \(untrusted\))?: \[\d{4}-[^\n]*$"),
        re.compile(r"(?mi)^\s*\[message_id: [^\]\n]*\]\s*$"),
        re.compile(r"\A\s*\[[^\]\n]*\d{4}-\d\d-\d\d[T ]\d\d:\d\d[^\]\n]*\]"),
    ),
    Speaker.ASSISTANT: (re.compile(r"\[\[\s*(reply_to_current|reply_to:[^\]\n]*|audio_as_voice)\s*\]\]"),),
}
"""What OpenClaw puts around somebody's words."""

_INSTEAD: Mapping[Speaker, re.Pattern[str]] = {
    Speaker.CALLER: re.compile(
        r"\[OpenClaw heartbeat poll\]|Read HEARTBEAT\.md if it exists|Run the following periodic tasks \("
        r"|\[Inter-session message\]|A new session was started via |Pre-compaction memory flush\."
    ),
    Speaker.ASSISTANT: re.compile(r"(HEARTBEAT_OK|NO_REPLY)\Z"),
}
"""How a text begins that nobody said."""

_OF_OPENCLAW = ("inter_session", "internal_system")


class Said(NamedTuple):
    """One turn of an OpenClaw conversation, whoever wrote it there; `at` if that is known."""

    role: Speaker
    text: str
    at: datetime | None

    @classmethod
    def of(cls, message: object) -> Self | None:
        """Read a message as OpenClaw keeps it; None if it is nothing that somebody said."""
        if not isinstance(message, dict) or message.get("role") not in list(Speaker) or _is_unheard(message):
            return None
        role, text = Speaker(message["role"]), _text(message.get("content"))
        for pattern in _AROUND[role]:
            text = pattern.sub("", text)
        text = text.strip()
        if not text or _INSTEAD[role].match(text):
            return None
        return cls(role, text, _moment(message.get("timestamp")))


def _is_unheard(message: Mapping[str, Any]) -> bool:
    provenance = message.get("provenance")
    return (
        (isinstance(provenance, dict) and provenance.get("kind") in _OF_OPENCLAW)
        or message.get("provider") == "openclaw"
        or message.get("stopReason") in ("error", "aborted")
    )


def _text(content: object) -> str:
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    text = "".join(
        str(part.get("text") or "") for part in parts if isinstance(part, dict) and part.get("type") == "text"
    )
    return whole(text)


def _moment(timestamp: object) -> datetime | None:
    try:
        if isinstance(timestamp, str):
            moment = datetime.fromisoformat(timestamp)
            return moment.astimezone(UTC) if moment.tzinfo else None
        return datetime.fromtimestamp(timestamp / 1000, UTC) if isinstance(timestamp, int | float) else None
    except (ValueError, OverflowError, OSError):
        return None
