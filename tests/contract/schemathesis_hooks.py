"""What schemathesis has to be told to write as a person would. It loads this module in its own process."""

from typing import Any

import schemathesis
from hypothesis import strategies

NUMBERS = ["+14155550123", "+1 (415) 555-0101", "+14155550104", "+14155550105"]
OWN_NUMBER = "+14155550100"

schemathesis.openapi.format("phone", strategies.sampled_from(NUMBERS))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Call from a number that Twilio knows as ours."""
    if isinstance(case.body, dict) and case.body.get("caller_id") in NUMBERS:
        case.body["caller_id"] = OWN_NUMBER
