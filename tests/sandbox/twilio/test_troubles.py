from sandbox.faults import FAULTS
from sandbox.scripts import BY_LAST_DIGITS
from sandbox.twilio.troubles import NONE, TROUBLES


def test_every_fault_of_twilios_changes_something_and_nothing_else_does() -> None:
    assert {name for name, fault in FAULTS.items() if fault.peer == "twilio"} == set(TROUBLES)
    assert NONE not in TROUBLES.values()


def test_every_fault_has_two_digits_of_its_own() -> None:
    digits = [fault.digits for fault in FAULTS.values()] + list(BY_LAST_DIGITS)
    assert len(set(digits)) == len(digits)
    assert all(len(two) == 2 and two.isdigit() for two in digits)
