"""What the model has asked its tools and not told yet, and what it says when the service asks it to speak."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sandbox.openai.call import RealtimeCall
from sandbox.openai.response import Reply, ToolCall

_INTERRUPTED = "interrupted"

_MEANWHILE = {
    _INTERRUPTED: ("Sorry, where were we?",),
    "time is up": ("I'm sorry, our time is up.",),
    "looking into": ("One moment, I'm looking.", "Let me see, just a second."),
    "takes longer": (
        "This takes longer than I thought. I'll tell you as soon as I know.",
        "It isn't done yet, and I can't say when; I'll tell you.",
    ),
    "": (
        "I'm still at it.",
        "It's taking a little while; I haven't forgotten you.",
        "I'm still waiting for the answer.",
        "Thanks for waiting, it isn't finished yet.",
        "It's being worked on. You can ask me something else.",
        "Bear with me, nothing yet.",
    ),
}
"""What instructions speak of -> what the model makes of them, one after the other; the first that matches."""


class Asking:
    """Remember what is out, and find words for it."""

    def __init__(self, call: RealtimeCall) -> None:
        self._call = call
        self._out: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._said: Counter[str] = Counter()
        self._is_given_up = False

    @property
    def is_waiting(self) -> bool:
        """Tell whether the caller is still to be told something."""
        return bool(self._out) and not self._is_given_up

    @property
    def has_news(self) -> bool:
        """Tell whether an answer has come that was not told."""
        return any(self._call.conversation.tool_output(call_id) is not None for call_id in self._out)

    def put(self, tools: Iterable[ToolCall]) -> None:
        """Ask; what was asked before is of no interest any more, unless it is asked again."""
        asked = {tool.call_id: tool.arguments["request"] for tool in tools}
        wanted = set(asked.values())
        self._out = {call_id: asks for call_id, asks in self._out.items() if asks in wanted} | asked
        self._is_given_up = False

    def with_news(self, reply: Reply) -> Reply:
        """Add to what the model says what it has got an answer to."""
        words = [reply.words, self._take_news()[0]]
        return Reply(" ".join(filter(None, words)), reply.tools)

    def cut_off(self) -> None:
        """Know that what was told last was not heard to the end."""
        self._out |= self._told
        self._told = {}

    def reply_to(self, params: dict[str, Any]) -> Reply:
        """Choose what the model says when the service asks for a response."""
        self._told = {}
        instructions = params.get("instructions") or ""
        if words := quoted(params):
            return Reply(words)
        if instructions:
            said = Reply(self._meanwhile(instructions))
            return self.with_news(said) if "know a part" in instructions else said
        words, count = self._take_news()
        return Reply(words or ("All right." if count else "I'm still here."))

    def _meanwhile(self, instructions: str) -> str:
        about = next(words for words in _MEANWHILE if words in instructions)
        self._is_given_up |= about == _INTERRUPTED
        self._said[about] += 1
        wordings = _MEANWHILE[about]
        return wordings[(self._said[about] - 1) % len(wordings)]

    def _take_news(self) -> tuple[str, int]:
        """Give the answers that have come, in one text, and how many outputs there were."""
        outputs = {
            call_id: output
            for call_id in self._out
            if (output := self._call.conversation.tool_output(call_id)) is not None
        }
        self._told = {call_id: self._out.pop(call_id) for call_id in outputs}
        return " ".join(filter(None, map(answer_in, outputs.values()))), len(outputs)


def quoted(params: dict[str, Any]) -> str | None:
    """Give the text in double quotes that the instructions of a request hold; None without one."""
    found = re.search(r'["“](.+)["”]', params.get("instructions") or "", re.DOTALL)
    return found[1] if found else None


def written_last(instructions: str) -> str | None:
    """Give what the person (`user`) wrote last of all that instructions quote, each on a line of its own."""
    lines = re.findall(r'^(?:[^"\n]*, )?user: (".*")$', instructions, re.MULTILINE)
    return str(json.loads(lines[-1])) if lines else None


def answer_in(output: str) -> str:
    """Find what to say in the output of a function: its `answer` (or the like), or all of it.

    Where there is but a note for the model, that is nothing.
    """
    try:
        read = json.loads(output)
    except ValueError:
        return output
    if isinstance(read, dict):
        for name in ("answer", "result", "text", "message", "error"):
            if isinstance(read.get(name), str):
                return str(read[name])
        if "note" in read:
            return ""
    return read if isinstance(read, str) else output
