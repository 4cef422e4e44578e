"""What the agent remembers: its conversations, row by row, and the voice sessions that add to them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal
from uuid import uuid4

from sandbox.gateway.errors import invalid, unavailable

_MAX_TEXT = 8000 * 2
_VOICE = {"kind": "realtime_voice", "sourceChannel": "talk"}
_SPOKEN_BY_MODEL = {
    "api": "realtime",
    "provider": "openai",
    "model": "realtime-voice",
    "stopReason": "stop",
}
_ELSEWHERE = "Error: voice session does not belong to this agent session"

Role = Literal["user", "assistant", "system"]


def now_ms() -> int:
    """Tell the time as OpenClaw does."""
    return int(time.time() * 1000)


def cut(text: str) -> str:
    """Keep what fits into a row: 8,000 UTF-16 units, never half a character."""
    return text.strip().encode("utf-16-le")[:_MAX_TEXT].decode("utf-16-le", "ignore")


@dataclass(frozen=True)
class Row:
    """One thing that was said, or the mark of a reset."""

    id: str
    role: Role
    text: str
    timestamp: float
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def is_reset(self) -> bool:
        """Tell whether the conversation begins anew with it."""
        return self.role == "system"

    def as_json(self, seq: int) -> dict[str, Any]:
        """Write it as `chat.history` does."""
        mark: dict[str, Any] = {"kind": "reset"} if self.is_reset else {"recordTimestampMs": self.timestamp}
        content = [{"type": "text", "text": self.text}]
        message = {"role": self.role, "content": content, "timestamp": self.timestamp, **self.extra}
        return message | {"__openclaw": {"id": self.id, **mark, "seq": seq}}


@dataclass
class Conversation:
    """One OpenClaw session: what its key holds now, and who is at work in it.

    Attributes:
        hidden: how many rows the agent sees no longer.
    """

    session_key: str
    created_via: str
    session_id: str = field(default_factory=lambda: str(uuid4()))
    rows: list[Row] = field(default_factory=list)
    hidden: int = 0
    label: str | None = None
    updated_at: int = field(default_factory=now_ms)
    runs: list[str] = field(default_factory=list)

    @property
    def shown(self) -> list[Row]:
        """Give what the agent sees: everything since the last reset, its mark, and what that kept."""
        return self.rows[self.hidden :]

    def row(self, row_id: str) -> Row | None:
        """Find a row, also one from before a reset."""
        return next((row for row in self.rows if row.id == row_id), None)

    def add(self, row: Row) -> None:
        """Add a row at the end."""
        self.rows.append(row)
        self.updated_at = now_ms()

    def begin_anew(self, *, kept: int) -> None:
        """Put a mark after which the agent sees but the last rows before it: none by a typed `/new`."""
        before = self.shown
        self.add(Row(uuid4().hex[:8], "system", "Reset", now_ms()))
        self.hidden = len(self.rows) - 1 - min(kept, len(before))


@dataclass
class VoiceSession:
    """One `talk.client` session, which is kept for ever once it was opened.

    Attributes:
        owner: the connection that opened it last, with which it ends; None if it outlives every connection.
        expires: when it ends by itself, on the memory's clock.
        unresolved: entries whose text was refused and not yet sent again as it was.
    """

    id: str
    session_key: str
    provider: str
    owner: str | None
    expires: float
    is_open: bool = True
    unresolved: set[str] = field(default_factory=set)


class Memory:
    """Keep conversations and voice sessions; sockets come and go."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.voices: dict[str, VoiceSession] = {}
        self._clock = clock

    def conversation(self, session_key: str, created_via: str) -> Conversation:
        """Give the conversation of a key; it is made if need be."""
        return self.conversations.setdefault(session_key, Conversation(session_key, created_via))

    def open_voice(
        self, session_key: str, voice_id: str, provider: str, owner: str | None, seconds: float
    ) -> None:
        """Open a voice session, or take over one that is open."""
        voice = self.voices.get(voice_id)
        if voice and voice.session_key != session_key:
            raise unavailable(_ELSEWHERE)
        if voice and not self._is_open(voice):
            raise unavailable("Error: voice session is already closed")
        if voice and voice.provider != provider:
            raise unavailable("Error: voice session provider does not match")
        self.conversation(session_key, "talk")
        unresolved = voice.unresolved if voice else set()
        self.voices[voice_id] = VoiceSession(
            voice_id, session_key, provider, owner, self._clock() + seconds, unresolved=unresolved
        )

    def add_spoken(
        self, session_key: str, voice_id: str, entry_id: str, role: Role, text: str, at: float
    ) -> Row | None:
        """Add what was said; a repeat adds nothing, and neither does a blank text."""
        text = cut(text)
        if not text:
            return None
        voice = self._voice(session_key, voice_id)
        if not self._is_open(voice):
            raise invalid("Error: voice session is closed")
        conversation = self.conversation(session_key, "talk")
        extra = {"provenance": _VOICE} | (_SPOKEN_BY_MODEL if role == "assistant" else {})
        row = Row(f"voice:{voice_id}:{entry_id}", role, text, at, extra)
        known = conversation.row(row.id)
        if known and (known.role, known.text) != (role, text):
            voice.unresolved.add(entry_id)
            raise invalid(
                "TranscriptTurnAdmissionConflictError: Transcript idempotency key "
                f'"event:{row.id}" conflicts with the admitted message.'
            )
        voice.unresolved.discard(entry_id)
        if known:
            return None
        conversation.add(row)
        return row

    def close_voice(self, session_key: str, voice_id: str, connection: str) -> None:
        """Close a voice session; again if somebody likes."""
        voice = self.voices.get(voice_id)
        if voice and self._is_open(voice) and voice.owner not in {None, connection}:
            raise invalid("Error: Gateway-controlled voice session is not owned by this client")
        voice = self._voice(session_key, voice_id)
        if voice.unresolved and voice.is_open:
            raise invalid("Error: voice transcript persistence must be retried before close")
        voice.is_open = False

    def restart(self) -> None:
        """Be read anew after a kill: what was open is open, nobody's and without an end; nothing runs."""
        for voice in self.voices.values():
            if self._is_open(voice):
                voice.owner, voice.expires = None, inf
        for conversation in self.conversations.values():
            conversation.runs.clear()

    def left(self, connection: str) -> None:
        """End what a connection opened."""
        for voice in self.voices.values():
            if voice.owner == connection and not voice.unresolved:
                voice.is_open = False

    def _voice(self, session_key: str, voice_id: str) -> VoiceSession:
        voice = self.voices.get(voice_id)
        if voice is None:
            raise invalid("Error: voice session not found")
        if voice.session_key != session_key:
            raise invalid(_ELSEWHERE)
        return voice

    def _is_open(self, voice: VoiceSession) -> bool:
        if self._clock() >= voice.expires and not voice.unresolved:
            voice.is_open = False
        return voice.is_open
