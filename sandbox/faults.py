"""How the two networks misbehave: each fault by name, and by the last two digits of the called number."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong in one call.

    Attributes:
        peer: who misbehaves.
        digits: the last two digits of the called number that choose it.
        happens: what goes wrong, in one sentence.
        script: what is said meanwhile.
    """

    peer: Literal["openai", "twilio"]
    digits: str
    happens: str
    script: str = "talk"


FAULTS: dict[str, Fault] = {
    "sideband-drops": Fault("openai", "30", "The sideband breaks off in mid-call; the call itself goes on."),
    "callbacks-doubled": Fault("twilio", "70", "Every status callback arrives twice."),
}
"""Every fault by its name. OpenAI's have the digits 30-69, Twilio's 70-89."""
