"""Tokens to dollars, by OpenAI's price list as of November 2026.

Source: the models' pages at developers.openai.com. Reasoning is inside the text output.
"""

from dataclasses import dataclass

from shared.events import Usage

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens."""

    text_in: float
    text_cached: float
    text_out: float
    audio_in: float
    audio_cached: float
    audio_out: float


_LARGE = Price(4, 0.40, 24, 32, 0.40, 64)
_MINI = Price(0.60, 0.06, 2.40, 10, 0.30, 20)
_LAST_YEAR = Price(4, 0.40, 16, 32, 0.40, 64)

PRICES = {
    "gpt-realtime-2.1": _LARGE,
    "gpt-realtime-2": _LARGE,
    "gpt-realtime-2.1-mini": _MINI,
    "gpt-realtime-1.5": _LAST_YEAR,
    "gpt-realtime": _LAST_YEAR,
    "gpt-realtime-mini": _MINI,
}

TRANSCRIPTION_PRICES = {
    "gpt-realtime-whisper": 0.017,
    "gpt-4o-mini-transcribe": 0.003,
    "gpt-4o-transcribe": 0.006,
    "whisper-1": 0.006,
}
"""Dollars per minute."""


def cost_usd(model: str, transcription_model: str, usage: Usage) -> float | None:
    """Price a call's usage in US dollars; None when a model's price is not known."""
    price = PRICES.get(model)
    per_minute = TRANSCRIPTION_PRICES.get(transcription_model)
    if price is None or (per_minute is None and usage.transcription_seconds):
        return None
    tokens = (
        (usage.input_text_tokens - usage.cached_text_tokens) * price.text_in
        + usage.cached_text_tokens * price.text_cached
        + usage.output_text_tokens * price.text_out
        + (usage.input_audio_tokens - usage.cached_audio_tokens) * price.audio_in
        + usage.cached_audio_tokens * price.audio_cached
        + usage.output_audio_tokens * price.audio_out
    )
    return round(tokens / _MILLION + usage.transcription_seconds / 60 * (per_minute or 0), 6)
