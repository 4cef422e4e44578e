"""So many times a minute, by name."""

from collections import OrderedDict
from math import ceil

_MINUTE_SECONDS = 60.0
_ROUNDING_SECONDS = 1e-6


class Rate:
    """Count what names do; each may do it so many times a minute, all at once or spread.

    Of each name only the moment is kept at which all it did will be forgotten (GCRA), and of names only so
    many: of those that have not been heard of for longest, nothing is known any more.
    """

    def __init__(self, per_minute: int, names: int = 10_000) -> None:
        self._gap_seconds = _MINUTE_SECONDS / per_minute
        self._names = names
        self._forgotten_at: OrderedDict[str, float] = OrderedDict()

    def wait_seconds(self, name: str, now: float) -> int:
        """Say in how many seconds a name may do it again; 0 if it may now."""
        spent = max(self._forgotten_at.get(name, now) - now, 0) + self._gap_seconds - _MINUTE_SECONDS
        return ceil(spent) if spent > _ROUNDING_SECONDS else 0

    def count(self, name: str, now: float) -> None:
        """Note that a name has done it."""
        self._forgotten_at[name] = max(self._forgotten_at.get(name, now), now) + self._gap_seconds
        self._forgotten_at.move_to_end(name)
        if len(self._forgotten_at) > self._names:
            self._forgotten_at.popitem(last=False)
