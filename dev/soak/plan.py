"""What is going to be played: chosen at random, the same from the same seed."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sandbox.faults import FAULTS
from sandbox.scripts import BY_LAST_DIGITS, SCRIPTS

Way = Literal["outbound", "trunk", "number"]
"""How a call comes about: we dial, or somebody phones in through the trunk or the number."""

Ending = Literal["delete", "caller"]
"""Who ends it at a random moment: `DELETE /call/{id}`, or the person."""

OWNERS, GUESTS = ("+141555501", "+165023456")
"""What the numbers of people begin with; two digits follow."""

ENDED_BY_OTHERS = frozenset({"greeting", "barge-in", "mid-sentence", "endless", "gone-meanwhile"})
"""Scripts in which the caller hangs up, or Twilio, when the time is over."""

_DIGITS = {script: digits for digits, script in BY_LAST_DIGITS.items()}
_WITHOUT_END = {"endless", "silent"}
_LATEST_SECONDS = 1.5

UNHURRIED = frozenset({"callbacks-slow", "queued-long", "create-late-but-placed", "rings-for-ever"})
"""Faults that are nothing but long waits: a soak in a hurry leaves them to their own tests."""


@dataclass(frozen=True)
class Plan:
    """One call to be played.

    `person` is the other one's number; of a call that we dial, its last two digits choose what happens.
    `after_seconds` (real) is when `ending` happens, counted from when the call's id is known.
    """

    number: int
    way: Way
    person: str
    script: str
    fault: str | None = None
    ending: Ending | None = None
    after_seconds: float = 0.0

    @property
    def what(self) -> str:
        """Name it in a report."""
        parts = [self.way, self.script, self.fault and f"fault {self.fault}"]
        parts.append(self.ending and f"{self.ending} after {self.after_seconds:.2f} s")
        return ", ".join(part for part in parts if part)


def draw(seed: int, number: int, faults: Collection[str] = ()) -> Plan:
    """Choose a call.

    Args:
        seed: of the run.
        number: of the call within it.
        faults: what may go wrong; half of the calls have one of them.
    """
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - to be repeated, not to be secret
    way: Way = dice.choices(("outbound", "trunk", "number"), (2, 1, 1))[0]
    possible = sorted(name for name in faults if way != "trunk" or FAULTS[name].peer == "openai")
    possible = [name for name in possible if name not in UNHURRIED]
    if way != "outbound":  # these are about dialling
        possible = [name for name in possible if not _is_about_dialling(name)]
    fault = dice.choice(possible) if possible and dice.random() < 0.5 else None
    answered = [name for name in SCRIPTS if way == "outbound" or SCRIPTS[name].outcome == "answered"]
    script = FAULTS[fault].script if fault else dice.choice(answered)
    digits = FAULTS[fault].digits if fault else _DIGITS[script]
    who = dice.choice((OWNERS, GUESTS))
    ending: Ending | None = dice.choice(("delete", "caller")) if dice.random() < 0.3 else None
    if script in _WITHOUT_END and dice.random() < 0.8:
        ending = ending or dice.choice(("delete", "caller"))
    after = round(dice.uniform(0, _LATEST_SECONDS), 3) if ending else 0.0
    return Plan(number, way, who + digits, script, fault, ending, after)


def owners() -> list[str]:
    """List every number that may be an owner's."""
    return [f"{OWNERS}{last:02}" for last in range(100)]


def _is_about_dialling(name: str) -> bool:
    return FAULTS[name].peer == "twilio" and (
        name.startswith(("create-", "queued-", "rings-"))
        or FAULTS[name].script == "no-answer"
        or name in {"number-invalid", "region-forbidden", "number-blocked", "trial-unverified"}
    )
