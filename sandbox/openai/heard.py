"""What sounds on the line, and when: what a person who listens in would write down."""

import time
from dataclasses import dataclass, field
from typing import Any, Literal

Speaker = Literal["caller", "assistant"]


@dataclass
class Heard:
    """Somebody was heard.

    Attributes:
        words: what was heard of what they said; nothing as long as they speak.
        started_at: real seconds, as `time.monotonic` tells them.
        ended_at: the same; None as long as they speak.
    """

    speaker: Speaker
    words: str = ""
    started_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None

    def end(self, words: str) -> None:
        """Fall silent; once is enough."""
        if self.ended_at is None:
            self.words, self.ended_at = words, time.monotonic()

    def as_json(self, since: float) -> dict[str, Any]:
        """Tell of it, in real seconds after a moment."""
        ended = None if self.ended_at is None else round(self.ended_at - since, 3)
        started = round(self.started_at - since, 3)
        return {"speaker": self.speaker, "words": self.words, "started": started, "ended": ended}
