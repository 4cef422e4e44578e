"""Who may call, who may be called, and how many at once."""

from dataclasses import dataclass
from enum import StrEnum

from shared import phone

EVERYBODY = "*"


class Calls(StrEnum):
    """Whether the phone is in use: `on`, only to be called (`inbound`), or not at all (`off`)."""

    ON = "on"
    INBOUND = "inbound"
    OFF = "off"


class Trust(StrEnum):
    """What the person on the line may do: an `owner` has the agent's tools, a `guest` may only talk."""

    OWNER = "owner"
    GUEST = "guest"


class PhoneOffError(Exception):
    """Nobody may be called."""


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
    outbound_numbers: frozenset[str] = frozenset()
    calls: Calls = Calls.ON
    trust_trunk_callers: bool = True

    @property
    def dialled_without_question(self) -> frozenset[str]:
        """The numbers that may be dialled whatever their region and kind."""
        return self.owners | self.outbound_numbers

    def trust(self, number: str | None) -> Trust:
        """Say what a person may do; a withheld number (None) is a guest's."""
        return Trust.OWNER if number in self.owners else Trust.GUEST

    def caller_through_trunk(self, number: str | None) -> str | None:
        """Say who somebody is who calls through the trunk, where a number is only what the caller says.

        Where that is not to be trusted, who claims to be an owner counts as withholding the number.
        """
        return number if self.trust_trunk_callers or number not in self.owners else None

    def admits(self, caller: str | None) -> bool:
        """Tell whether somebody may call in. Our own number is nobody's: who shows it has made it up."""
        if self.calls is Calls.OFF or caller == self.own_number:
            return False
        return caller in self.owners or caller in self.allowed_callers or EVERYBODY in self.allowed_callers

    def check_destination(self, number: str, caller_id: str) -> None:
        """Refuse a number that costs more than a phone call, lies outside the regions, or is our own.

        Raises:
            PhoneOffError: the owner has closed the phone.
            DestinationRefusedError: its text names the rule and the setting that would change it.
        """
        if self.calls is not Calls.ON:
            raise PhoneOffError(f"Nobody may be called: CALLS={self.calls}. Set CALLS=on to change that.")
        if number == self.own_number:
            raise DestinationRefusedError("That is TWILIO_PHONE_NUMBER itself; dial somebody else.")
        if number == caller_id:
            raise DestinationRefusedError("A number cannot be called from itself; change to or caller_id.")
        if number in self.dialled_without_question:
            return
        region = phone.region(number)
        if region not in self.outbound_regions:
            allowed = ", ".join(sorted(self.outbound_regions))
            raise DestinationRefusedError(
                f"Numbers of {region or 'no region'} may not be dialled, only of {allowed}; set "
                "OUTBOUND_REGIONS to change that, or add this very number to OUTBOUND_NUMBERS."
            )
        if not phone.is_ordinary(number):
            raise DestinationRefusedError(
                "Only landline and mobile numbers may be dialled, and this is not known to be one; "
                "if it is to be dialled all the same, add it to OUTBOUND_NUMBERS."
            )

    def check_load(self, active_calls: int) -> None:
        """Refuse when all lines are taken.

        Raises:
            TooManyCallsError: MAX_CONCURRENT_CALLS are running.
        """
        if active_calls >= self.max_concurrent_calls:
            raise TooManyCallsError(
                f"{active_calls} calls are running; MAX_CONCURRENT_CALLS allows no more.", 30
            )
