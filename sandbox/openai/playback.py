"""The voice of one response: a person hears it at the pace of speech, long after it was generated."""

import asyncio
from typing import TYPE_CHECKING

from sandbox.openai.heard import Heard

if TYPE_CHECKING:
    from sandbox.openai.call import RealtimeCall

CHARACTERS_PER_SECOND = 15


def spoken_ms(words: str) -> int:
    """Tell how long it takes to say something."""
    return round(len(words) / CHARACTERS_PER_SECOND * 1000)


class Playback:
    """Play what has been generated so far, after what is still being heard.

    Attributes:
        over: set when the last of it has been heard, or it was cleared.
        words: what is to be heard; grows while the response is being generated.
    """

    def __init__(self, call: "RealtimeCall", response_id: str, before: "Playback | None") -> None:
        self.over = asyncio.Event()
        self.words = ""
        self._call = call
        self._response_id = response_id
        self._before = before
        self._complete = asyncio.Event()
        self._started_at: float | None = None
        self._heard: Heard | None = None

    @property
    def is_heard(self) -> bool:
        """Tell whether it sounds right now."""
        return self._started_at is not None and not self.over.is_set()

    @property
    def played_ms(self) -> int:
        """How much of it has been heard."""
        if self._started_at is None:
            return 0
        return min(round((self._call.world.clock.now() - self._started_at) * 1000), spoken_ms(self.words))

    async def run(self) -> None:
        """Play to the end."""
        if self._before:
            await self._before.over.wait()
            self._before = None
        if self.over.is_set():
            return
        self._started_at = self._call.world.clock.now()
        self._heard = self._call.hear("assistant")
        self._call.emit("output_audio_buffer.started", response_id=self._response_id)
        try:
            await self._complete.wait()
            await self._call.world.clock.until(self._started_at + spoken_ms(self.words) / 1000)
        finally:
            self._fall_silent()
        if not self.over.is_set():
            self._call.emit("output_audio_buffer.stopped", response_id=self._response_id)
            self.over.set()

    def complete(self) -> None:
        """Know that no more words come."""
        self._complete.set()

    def clear(self) -> None:
        """Fall silent."""
        self._fall_silent()
        if self.is_heard:
            self._call.emit("output_audio_buffer.cleared", response_id=self._response_id)
        self.over.set()

    def _fall_silent(self) -> None:
        if self._heard:
            self._heard.end(self.words[: round(self.played_ms * CHARACTERS_PER_SECOND / 1000)])
