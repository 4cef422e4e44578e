"""What a call costs: the numbers of every response, kept here as well as told."""

from typing import Any

from sandbox.openai.conversation import Item
from shared.events import Usage

CALLER_MS_PER_TOKEN = 100
ASSISTANT_MS_PER_TOKEN = 50
CHARACTERS_PER_TOKEN = 4
REASONING_TOKENS = 8


class Ledger:
    """Count tokens and seconds of one call, each under the event that tells of it."""

    def __init__(self) -> None:
        self._entries: dict[str, Usage] = {}
        self._told: set[str] = set()
        self._cached_text = 0
        self._cached_audio = 0

    @property
    def told(self) -> Usage:
        """Sum up what some sideband was sent: what the service must arrive at."""
        return sum((self._entries[event_id] for event_id in self._told), Usage())

    @property
    def untold(self) -> Usage:
        """Sum up what was consumed but never told: nobody was attached, or the caller hung up first."""
        return sum((self._entries[event_id] for event_id in self._entries.keys() - self._told), Usage())

    def mark_told(self, event_id: str) -> None:
        """Note that an event has been sent."""
        if event_id in self._entries:
            self._told.add(event_id)

    def response(self, fixed_text: int, context: list[Item], words: str, audio_ms: int) -> dict[str, Any]:
        """Work out the `usage` of a response.

        Args:
            fixed_text: characters of instructions and tools.
            context: the items the model has read.
            words: what it has written, function arguments included.
            audio_ms: what it has spoken.
        """
        text = (fixed_text + sum(len(item.words) for item in context)) // CHARACTERS_PER_TOKEN
        audio = sum(item.audio_ms // _rate(item) for item in context)
        cached_text, cached_audio = min(self._cached_text, text), min(self._cached_audio, audio)
        self._cached_text, self._cached_audio = text, audio
        out_text = len(words) // CHARACTERS_PER_TOKEN + REASONING_TOKENS
        out_audio = audio_ms // ASSISTANT_MS_PER_TOKEN
        return {
            "total_tokens": text + audio + out_text + out_audio,
            "input_tokens": text + audio,
            "output_tokens": out_text + out_audio,
            "input_token_details": {
                "text_tokens": text,
                "audio_tokens": audio,
                "image_tokens": 0,
                "cached_tokens": cached_text + cached_audio,
                "cached_tokens_details": {
                    "text_tokens": cached_text,
                    "audio_tokens": cached_audio,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {
                "text_tokens": out_text,
                "audio_tokens": out_audio,
                "reasoning_tokens": REASONING_TOKENS,
            },
        }

    def enter_response(self, event_id: str, usage: dict[str, Any]) -> None:
        """Book the usage of a response."""
        given, made = usage["input_token_details"], usage["output_token_details"]
        cached = given["cached_tokens_details"]
        self._entries[event_id] = Usage(
            input_text_tokens=given["text_tokens"],
            input_audio_tokens=given["audio_tokens"],
            cached_text_tokens=cached["text_tokens"],
            cached_audio_tokens=cached["audio_tokens"],
            output_text_tokens=made["text_tokens"],
            output_audio_tokens=made["audio_tokens"],
        )

    def enter_transcription(self, event_id: str, seconds: float) -> None:
        """Book the transcription of a caller's turn."""
        self._entries[event_id] = Usage(transcription_seconds=seconds)


def _rate(item: Item) -> int:
    return ASSISTANT_MS_PER_TOKEN if item.body.get("role") == "assistant" else CALLER_MS_PER_TOKEN
