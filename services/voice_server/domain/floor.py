"""The floor: who is heard on the line, and since when nobody is. Times are seconds since 1970."""

MONOLOGUE_SECONDS = 180
"""How long one of the two may speak without a sign of it: the end of a playback can get lost."""


class Floor:
    """Keep who speaks.

    Attributes:
        caller_speaks: the caller is in the middle of a sentence.
        quiet_since: when the last sound of either was heard.
        voice_at: when somebody last spoke to somebody; what is said into an empty room does not count.
    """

    def __init__(self, at: float) -> None:
        self.caller_speaks = False
        self.quiet_since = self.voice_at = at
        self._is_idle = False
        self._playing: set[str] = set()

    @property
    def is_heard(self) -> bool:
        """Tell whether the caller hears the assistant."""
        return bool(self._playing)

    @property
    def is_quiet(self) -> bool:
        """Tell whether nobody is heard."""
        return not (self.caller_speaks or self._playing)

    def silent_at(self, silence_seconds: int) -> float:
        """Compute when nobody will have spoken for that long."""
        somebody_speaks = self.caller_speaks or (self.is_heard and not self._is_idle)
        return self.voice_at + silence_seconds + (MONOLOGUE_SECONDS if somebody_speaks else 0)

    def begin(self, at: float) -> None:
        """Count from here on: the conversation begins, or goes on."""
        self.quiet_since = self.voice_at = at

    def caller_spoke(self, at: float, *, goes_on: bool) -> None:
        """Note that the caller is heard, and whether more is to come."""
        self._is_idle = False
        self.caller_speaks = goes_on
        self.quiet_since = self.voice_at = at

    def caller_has_it(self) -> None:
        """Note that the caller has said something: what was played before is over, told or not."""
        self._playing.clear()

    def caller_idled(self) -> None:
        """Note that the caller is being waited for in vain."""
        self._is_idle = True

    def words_came(self, at: float) -> None:
        """Note that somebody's words are told, however much later they are heard."""
        if not self._is_idle:
            self.voice_at = at

    def playback_started(self, response_id: str, at: float) -> None:
        """Note that the caller hears a response."""
        self._playing.add(response_id)
        self._sounded(at)

    def playback_ended(self, response_id: str, at: float) -> None:
        """Note that the caller hears it no more."""
        self._playing.discard(response_id)
        self._sounded(at)

    def cut_off(self) -> None:
        """Forget who was speaking: it may end unheard of."""
        self.caller_speaks = False
        self._playing.clear()

    def _sounded(self, at: float) -> None:
        self.quiet_since = at
        self.words_came(at)
