"""What the agent answers to which question, and how long it works on it."""

import re
from dataclasses import dataclass

from sandbox.switches import Switches


@dataclass(frozen=True)
class Answer:
    """What the agent says in the end, after so many of the sandbox's seconds.

    Attributes:
        about: the words of a question it is the answer to, parted by `|`.
        seconds: how long the agent works on it; None as long as on everything else, `agent_seconds`.
    """

    about: str
    text: str
    seconds: float | None = None

    def takes(self, switches: Switches) -> float:
        """Tell how long the agent works on it."""
        return switches.agent_seconds if self.seconds is None else self.seconds


ANSWERS = (
    Answer("flight", "Your flight to Berlin leaves at 7:40 tomorrow, gate B12. You are checked in.", 12),
    Answer("report", "The report is done: sales are up four percent, and I have sent it to Sam.", 45),
    Answer("reminder", "The reminder is set for six this evening.", 2.5),
    Answer(
        "calendar|appointment",
        "You have two appointments today: the dentist at 10 and lunch with Sam at 1.",
    ),
    Answer("weather", "It is sunny, 18 degrees, with a light breeze from the west."),
    Answer("mail|message", "There are three new messages, none of them urgent."),
)
"""The first that matches a question answers it."""


def answer_to(question: str) -> Answer:
    """Answer a question, the same one always in the same way."""
    for answer in ANSWERS:
        if re.search(answer.about, question, re.IGNORECASE):
            return answer
    settled = question.strip().rstrip("?.!") or "nothing"
    return Answer("", f"I have looked into it: {settled}. It is all settled.")
