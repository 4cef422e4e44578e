"""Tokens to dollars, by the owner's price list (`config/prices.json`).

Reasoning is inside the text output. Images are never sent, so they have no price here.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from shared.events import Usage

_MILLION = 1_000_000
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
T = TypeVar("T")


class TokenPrices(BaseModel):
    """What a model's tokens cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text_in: Dollars
    text_cached: Dollars
    text_out: Dollars
    audio_in: Dollars
    audio_cached: Dollars
    audio_out: Dollars

    def of(self, usage: Usage) -> float:
        """Price tokens, in dollars per million of each kind. No more is cached than was read."""
        cached_text = min(usage.cached_text_tokens, usage.input_text_tokens)
        cached_audio = min(usage.cached_audio_tokens, usage.input_audio_tokens)
        dollars = (
            (usage.input_text_tokens - cached_text) * self.text_in
            + cached_text * self.text_cached
            + usage.output_text_tokens * self.text_out
            + (usage.input_audio_tokens - cached_audio) * self.audio_in
            + cached_audio * self.audio_cached
            + usage.output_audio_tokens * self.audio_out
        )
        return dollars / _MILLION


class Prices(BaseModel):
    """A price list. A dated snapshot of a model costs what the model does, unless it is listed itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    source: str
    usd_per_million_tokens: dict[str, TokenPrices]
    usd_per_transcribed_minute: dict[str, Dollars]

    def cost_usd(self, model: str, transcription_model: str, usage: Usage) -> float | None:
        """Price a call's usage in US dollars; None when what was used has no price here."""
        tokens = _of(model, self.usd_per_million_tokens)
        per_minute = _of(transcription_model, self.usd_per_transcribed_minute)
        if tokens is None or (per_minute is None and usage.transcription_seconds):
            return None
        return round(tokens.of(usage) + usage.transcription_seconds / 60 * (per_minute or 0), 6)


NO_PRICES = Prices(as_of=date.min, source="", usd_per_million_tokens={}, usd_per_transcribed_minute={})
"""Nothing has a price."""


def _of(model: str, prices: Mapping[str, T]) -> T | None:
    return prices.get(model, prices.get(_SNAPSHOT.sub("", model)))
