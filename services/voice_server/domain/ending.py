"""The end of a call as far as time goes: when it was really over, and when a leg is hung up again."""

from services.voice_server.domain.record import CallRecord

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_LAG_SECONDS = 1.0
"""How much later than from OpenAI we may hear of the same end from Twilio."""


class Ending:
    """Keep what is known of a call's end before it has ended. Times are seconds since 1970."""

    def __init__(self) -> None:
        self.release_at = 0.0
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._over_since: float | None = None
        self._gap_since: float | None = None

    def gap_began(self, at: float) -> None:
        """Note since when nothing has been heard of the conversation."""
        self._gap_since = self._gap_since or at

    def gap_ended(self) -> None:
        """Note that the conversation goes on."""
        self._gap_since = None

    def came_in_the_gap(self) -> None:
        """Note that the call was over when it was looked for."""
        self._over_since = self._gap_since

    def came_at(self, ended_at: float | None) -> None:
        """Note when a peer says the call ended; None if it does not say."""
        self._over_since = ended_at or self._over_since

    def ended_at(self, call: CallRecord, at: float) -> float:
        """Say when a call that ends now was over: not before it began, and not later than now."""
        return max(call.answered_at or call.started_at, min(at, self._over_since or at))

    def was_unheard(self, call: CallRecord, at: float) -> bool:
        """Tell whether the call went on for a while after the last we heard of the conversation."""
        return self._gap_since is not None and self.ended_at(call, at) > self._gap_since + _LAG_SECONDS

    def next_release(self, at: float) -> None:
        """Let some time pass until a leg is hung up again, longer each time."""
        self.release_at = at + self._pause_seconds
        self._pause_seconds = min(self._pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
