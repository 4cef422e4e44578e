"""How much may be dialled, talked and spent: so much within so long."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from services.voice_server.domain.policy import DestinationRefusedError, TooManyCallsError
from services.voice_server.domain.record import CallRecord
from shared.events import Direction

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
_MILLION = 1_000_000


class Window:
    """Amounts of the last so many seconds, and their sum."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._amounts: deque[tuple[float, int]] = deque()
        self._total = 0

    def add(self, at: float, amount: int) -> None:
        """Count an amount from a moment on. Moments come in order."""
        self._amounts.append((at, amount))
        self._total += amount

    def wait_seconds(self, most: int, now: float, more: int = 0) -> int:
        """Count the seconds until the sum, with `more` on top, is below `most`; 0 if it is now.

        What comes on top is taken to be of this moment, and so to count for the whole window.
        """
        while self._amounts and self._amounts[0][0] + self._seconds <= now:
            self._total -= self._amounts.popleft()[1]
        if self._total + more < most:
            return 0
        left = self._total + more
        for at, amount in self._amounts:
            left -= amount
            if left < most:
                return ceil(at + self._seconds - now)
        return self._seconds


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that the owner wants: outbound calls, and of calls in both directions minutes and dollars."""

    calls_per_hour: int
    calls_per_number_per_day: int
    minutes_per_day: int
    dollars_per_day: float

    @property
    def numbers_per_range(self) -> int:
        """How many of a hundred consecutive numbers may be dialled within an hour.

        Who has got hold of a key and earns by being called dials through a range of numbers.
        """
        return max(10, self.calls_per_hour // 3)


class Quotas:
    """Count what is dialled, talked and spent, and refuse what is too much.

    Args:
        caps: how much.
        known: numbers that are in nobody's range: they were listed one by one.
    """

    def __init__(self, caps: Caps, known: frozenset[str]) -> None:
        self._caps = caps
        self._known = known
        self._hour = Window(HOUR_SECONDS)
        self._dialled: deque[tuple[float, str]] = deque()
        self._seconds = Window(DAY_SECONDS)
        self._microdollars = Window(DAY_SECONDS)

    def dialled(self, number: str, at: float) -> None:
        """Count a call that is placed, whether or not anybody answers."""
        self._hour.add(at, 1)
        self._dialled.append((at, number))

    def ended(self, call: CallRecord) -> None:
        """Count what a call has come to."""
        if call.ended_at is not None:
            self._seconds.add(call.ended_at, call.duration_seconds(call.ended_at))
            self._microdollars.add(call.ended_at, _microdollars(call))

    def remember(self, calls: Iterable[CallRecord]) -> None:
        """Count the calls of the last day, as found at a start; one that is taken up counts later."""
        found = list(calls)
        for call in sorted(found, key=lambda call: call.started_at):
            if call.direction is Direction.OUTBOUND and call.number:
                self.dialled(call.number, call.started_at)
        for call in sorted(found, key=lambda call: call.ended_at or 0):
            if call.is_settled:
                self.ended(call)

    def check_dialling(self, number: str, now: float) -> None:
        """Refuse to dial too often, or through a range of numbers.

        Raises:
            TooManyCallsError: within the hour, or this number within the day.
            DestinationRefusedError: its neighbours have been dialled, too many of them.
        """
        if wait := self._hour.wait_seconds(self._caps.calls_per_hour, now):
            raise TooManyCallsError(
                f"{self._caps.calls_per_hour} calls were placed within an hour; MAX_CALLS_PER_HOUR allows "
                "no more.",
                wait,
            )
        while self._dialled and self._dialled[0][0] + DAY_SECONDS <= now:
            self._dialled.popleft()
        to_it = Window(DAY_SECONDS)
        for at, dialled in self._dialled:
            if dialled == number:
                to_it.add(at, 1)
        if wait := to_it.wait_seconds(self._caps.calls_per_number_per_day, now):
            raise TooManyCallsError(
                f"This number was called {self._caps.calls_per_number_per_day} times within a day; "
                "MAX_CALLS_PER_NUMBER_PER_DAY allows no more.",
                wait,
            )
        self._check_range(number, now)

    def _check_range(self, number: str, now: float) -> None:
        neighbours = {
            dialled
            for at, dialled in self._dialled
            if at + HOUR_SECONDS > now and dialled[:-2] == number[:-2]
        } - self._known
        most = self._caps.numbers_per_range
        if number not in neighbours | self._known and len(neighbours) >= most:
            raise DestinationRefusedError(
                f"{most} numbers from {number[:-2]}00 to {number[:-2]}99 were dialled within an hour, as "
                "thieves dial who earn by being called; add a number to OUTBOUND_NUMBERS if you mean it."
            )

    def check_spending(self, running: Iterable[CallRecord], now: float) -> None:
        """Refuse any further call once the day's minutes or dollars are used up, running calls included.

        Raises:
            TooManyCallsError: they are.
        """
        calls = list(running)
        seconds = sum(call.duration_seconds(now) for call in calls)
        if wait := self._seconds.wait_seconds(self._caps.minutes_per_day * 60, now, seconds):
            raise TooManyCallsError(
                "The day's minutes are used up; MAX_MINUTES_PER_DAY allows no more.", wait
            )
        spent, most = sum(map(_microdollars, calls)), round(self._caps.dollars_per_day * _MILLION)
        if wait := self._microdollars.wait_seconds(most, now, spent):
            raise TooManyCallsError(
                "The day's dollars are used up; MAX_DOLLARS_PER_DAY allows no more.", wait
            )


def _microdollars(call: CallRecord) -> int:
    return round((call.cost_usd or 0) * _MILLION)
