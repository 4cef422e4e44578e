"""Who may call, who may be called, and how much."""

from dataclasses import dataclass
from enum import StrEnum

from shared import phone

EVERYBODY = "*"


class Trust(StrEnum):
    """What the person on the line may do: an `owner` has the agent's tools, a `guest` may only talk."""

    OWNER = "owner"
    GUEST = "guest"


class DestinationRefusedError(Exception):
    """This number may not be dialled."""


class TooManyCallsError(Exception):
    """All lines are busy."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Policy:
    """The owner's rules. Numbers are E.164 and compared exactly; regions are ISO codes."""

    own_number: str
    owners: frozenset[str]
    allowed_callers: frozenset[str]
    outbound_regions: frozenset[str]
    max_concurrent_calls: int
    max_calls_per_hour: int

    def trust(self, number: str | None) -> Trust:
        """Say what a person may do; a withheld number (None) is a guest's."""
        return Trust.OWNER if number in self.owners else Trust.GUEST

    def admits(self, caller: str | None) -> bool:
        """Tell whether somebody may call in."""
        return caller in self.owners or caller in self.allowed_callers or EVERYBODY in self.allowed_callers

    def check_destination(self, number: str) -> None:
        """Refuse a number that costs more than a phone call or lies outside the regions.

        Raises:
            DestinationRefusedError: its text names the rule and the setting that would change it.
        """
        if number == self.own_number:
            raise DestinationRefusedError("That is TWILIO_PHONE_NUMBER itself; dial somebody else.")
        if number in self.owners:
            return
        region = phone.region(number)
        if region not in self.outbound_regions:
            allowed = ", ".join(sorted(self.outbound_regions))
            raise DestinationRefusedError(
                f"Numbers of {region or 'no region'} may not be dialled, only of {allowed}; "
                "set OUTBOUND_REGIONS to change that."
            )
        if not phone.is_ordinary(number):
            raise DestinationRefusedError("Only landline and mobile numbers may be dialled.")

    def check_load(self, active_calls: int) -> None:
        """Refuse when all lines are taken.

        Raises:
            TooManyCallsError: MAX_CONCURRENT_CALLS are running.
        """
        if active_calls >= self.max_concurrent_calls:
            raise TooManyCallsError(
                f"{active_calls} calls are running; MAX_CONCURRENT_CALLS allows no more.", 30
            )

    def check_rate(self, calls_last_hour: int) -> None:
        """Refuse to dial more often than the owner wants to pay for.

        Raises:
            TooManyCallsError: MAX_CALLS_PER_HOUR were placed within the last hour.
        """
        if calls_last_hour >= self.max_calls_per_hour:
            raise TooManyCallsError(
                f"{calls_last_hour} calls were placed within an hour; MAX_CALLS_PER_HOUR allows no more.", 600
            )
