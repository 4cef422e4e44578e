"""What the caller hears while the agent works, so that no silence is left unexplained."""

from collections.abc import Sequence
from operator import itemgetter

from services.voice_server.domain.record import OpenTool

FILLER_SECONDS = 0.8
"""How long after a question the first words come, if the model has said none itself."""

SIGN_SECONDS = 8
"""After how much quiet there is a sign of life."""

_HOW = "Say only this, in one short sentence, in the language and tone of the conversation so far"

FILLER = f"{_HOW}: you are looking into it, one moment."

SIGNS_OF_LIFE = (
    f"{_HOW}, in other words than before: you are still at it.",
    f"{_HOW}, in other words than before: it is taking a little while, you have not forgotten the caller.",
    f"{_HOW}, in other words than before: you are still waiting for the answer.",
    f"{_HOW}, in other words than before: thank the caller for waiting, it is not finished yet.",
    f"{_HOW}, in other words than before: it is being worked on, and the caller may ask something else.",
)
"""What is said one after the other, and then from the first again."""

LONGER = (
    f"{_HOW}: this takes longer than you thought, and you will tell the caller as soon as you know. "
    "If you know a part of the answer already, say that part first."
)


class Interim:
    """Choose what is said next while questions run, and when.

    Args:
        answer_seconds: after how long a question takes longer than the caller may expect.
    """

    def __init__(self, answer_seconds: float) -> None:
        self._answer_seconds = answer_seconds
        self._said_at = 0.0
        self._signs = 0
        self._explained: set[str] = set()

    def next(
        self, running: Sequence[OpenTool], quiet_since: float, *, acknowledged: bool
    ) -> tuple[float, str]:
        """Say when something is due if nobody is heard before, and the instructions for it.

        Args:
            running: the questions under way, the oldest first; at least one.
            quiet_since: when the last sound on the line was heard.
            acknowledged: the model said something before it asked the newest of them.
        """
        asked_at = running[-1].started_at
        heard_at = max(quiet_since, self._said_at)
        if acknowledged or heard_at > asked_at:
            sign = SIGNS_OF_LIFE[self._signs % len(SIGNS_OF_LIFE)]
            due = [(max(heard_at, asked_at) + SIGN_SECONDS, sign)]
        else:
            due = [(asked_at + FILLER_SECONDS, FILLER)]
        due += [(tool.started_at + self._answer_seconds, LONGER) for tool in self._unexplained(running)]
        return min(due, key=itemgetter(0))

    def said(self, words: str, running: Sequence[OpenTool], at: float) -> list[OpenTool]:
        """Note that these instructions were given; return the questions that are late by now."""
        self._said_at = at
        if words != LONGER:
            self._signs += words != FILLER
            return []
        late = [tool for tool in self._unexplained(running) if at >= tool.started_at + self._answer_seconds]
        self._explained.update(tool.tool_call_id for tool in late)
        return late

    def _unexplained(self, running: Sequence[OpenTool]) -> list[OpenTool]:
        return [tool for tool in running if tool.tool_call_id not in self._explained]
