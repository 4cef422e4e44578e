"""Telephone numbers: E.164 in, E.164 out, masked wherever a person might read them by accident."""

import re

import phonenumbers
from phonenumbers import PhoneNumberType
from pydantic import WithJsonSchema

E164 = re.compile(r"\+[1-9][0-9]{6,14}")


REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""The ISO regions that have telephone numbers."""

AS_NUMBER = WithJsonSchema({"type": "string", "format": "phone", "examples": ["+14155550123"]})
"""Describes a number in international form, which no pattern can."""

_WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
"""What takes the place of a withheld number: ANONYMOUS, RESTRICTED, BLOCKED, … on the keys of a telephone."""


class NotAPhoneNumberError(ValueError):
    """That is not a phone number in international form, such as +14155550123."""


def parse(text: str) -> str:
    """Read a number written in international form and return it as E.164.

    The answer is built from what was understood, never from the input: digits of other scripts, spaces and
    punctuation do not survive. An extension is refused, since nobody could dial it.
    """
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException as error:
        raise NotAPhoneNumberError(NotAPhoneNumberError.__doc__) from error
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if number.extension or not E164.fullmatch(e164):
        raise NotAPhoneNumberError(NotAPhoneNumberError.__doc__)
    return e164


def region(e164: str) -> str | None:
    """Name the ISO region a number belongs to (`US`, `DE`, …); None for satellite and other global ones."""
    code = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    return None if code in {None, "001"} else code


def is_ordinary(e164: str) -> bool:
    """Tell whether a number is a plain landline or mobile: nothing premium, shared-cost or unassigned."""
    number = phonenumbers.parse(e164)
    return phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
    }


def caller_number(text: str) -> str | None:
    """Read a caller's E.164 number; None when it is withheld or is no full number."""
    return text if E164.fullmatch(text) and text not in _WITHHELD else None


def is_forged(verdict: str) -> bool:
    """Tell whether a carrier has found a caller's number to be made up (STIR/SHAKEN), in Twilio's words."""
    return verdict.strip().lower().startswith("tn-validation-failed")


def mask(text: str) -> str:
    """Hide the middle of every E.164 number in a text: `+14155550123` becomes `+1415…23`."""
    return E164.sub(lambda found: f"{found[0][:5]}…{found[0][-2:]}", text)
