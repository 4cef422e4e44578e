"""Recordings of calls: which calls are recorded, what is said to people first, and how far one has come."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.voice_server.domain.agent import Agent
from shared.events import Direction

NOTICE = "This call is recorded."

LOCALES: Mapping[str, str] = {
    "ca": "ca-ES",
    "cy": "cy-GB",
    "da": "da-DK",
    "de": "de-DE",
    "en": "en-US",
    "es": "es-ES",
    "fi": "fi-FI",
    "fr": "fr-FR",
    "is": "is-IS",
    "it": "it-IT",
    "ja": "ja-JP",
    "ko": "ko-KR",
    "nb": "nb-NO",
    "nl": "nl-NL",
    "no": "nb-NO",
    "pl": "pl-PL",
    "pt": "pt-PT",
    "ro": "ro-RO",
    "ru": "ru-RU",
    "sv": "sv-SE",
    "tr": "tr-TR",
    "zh": "zh-CN",
}
"""The agent's languages as Twilio's `<Say language>` names them; in others it speaks as in English."""


class RecordCalls(StrEnum):
    """Which calls are recorded, of those that Twilio asks us about; those through a trunk never are."""

    OFF = "off"
    OUTBOUND = "outbound"
    ALL = "all"

    def wants(self, direction: Direction) -> bool:
        """Tell whether a call in that direction is to be recorded."""
        return self is RecordCalls.ALL or (self is RecordCalls.OUTBOUND and direction is Direction.OUTBOUND)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told before a call is recorded, and in which locale it is spoken."""

    words: str
    locale: str


def notice(agent: Agent) -> Notice:
    """Give an agent's notice: the one in its own language, or ours in English."""
    if agent.recording_notice is None:
        return Notice(NOTICE, LOCALES["en"])
    return Notice(agent.recording_notice, LOCALES.get(agent.language or "en", LOCALES["en"]))


class Progress(StrEnum):
    """How far a recording has come.

    It is awaited from when Twilio is asked for it, made once Twilio says so, copied once it is on our disk,
    and kept once it is there alone. Or nothing was recorded (absent), or it cannot be had (failed).
    """

    AWAITED = "awaited"
    MADE = "made"
    COPIED = "copied"
    KEPT = "kept"
    ABSENT = "absent"
    FAILED = "failed"


OPEN = (Progress.AWAITED, Progress.MADE, Progress.COPIED)
"""What still has to be seen to."""

HERE = (Progress.COPIED, Progress.KEPT)
"""What can be listened to."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known of a call's recording.

    Attributes:
        call_id: the call, as the history has it.
        progress: how far it has come.
        since: when Twilio was asked for it, in seconds since 1970.
        recording_sid: Twilio's name for it.
        seconds: how long it is.
        size_bytes: how large.
        fault: why it cannot be had.
    """

    call_id: str
    progress: Progress
    since: float
    recording_sid: str | None = None
    seconds: int | None = None
    size_bytes: int | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What Twilio tells of a recording that is complete; `is_absent` if there is nothing in it."""

    recording_sid: str
    seconds: int | None
    is_absent: bool
