"""A call on which questions are asked, told of what happens and watched."""

import json
from dataclasses import dataclass, field
from typing import Any

from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import DropQuestion, RequestResponse, SubmitOutput
from services.voice_server.domain.talk import Outcome, Talk
from shared.events import ToolFinishedData, Usage
from tests.voice_server.domain.records import record

NOW = 1_795_000_000.0
LIMIT = 30
SPOKE, FELL_SILENT = s.CallerSpoke(goes_on=True), s.CallerSpoke(goes_on=False)


def ask(tool_call_id: str, request: str) -> s.ToolCall:
    """Make a question to the agent."""
    return s.ToolCall(tool_call_id, "ask_openclaw", json.dumps({"request": request}))


@dataclass
class Line:
    """A call on which questions are asked; `now` is in seconds since its first."""

    talk: Talk = field(default_factory=lambda: Talk(record(answer_seconds=LIMIT), (), NOW - 100))
    now: float = 0
    responses: int = 0

    def tell(self, *signals: s.Signal, at: float | None = None) -> list[Outcome]:
        """Tell the call something, that many seconds after its first question."""
        self.now = self.now if at is None else at
        return [outcome for signal in signals for outcome in self.talk.receive(signal, NOW + self.now)]

    def speak(self, *calls: s.ToolCall, words: str = "", request: str | None = None) -> list[Outcome]:
        """Let the model say something, which is heard at once, and make tool calls."""
        self.responses += 1
        name = f"r{self.responses}"
        said = [s.ItemAssigned(f"i{name}", name), s.TextWritten(f"i{name}", words)] if words else []
        heard = [s.PlaybackStarted(name), s.PlaybackEnded(name, cut=False)] if words else []
        started = s.ResponseStarted(name, request)
        return self.tell(started, *said, *heard, s.ResponseEnded(name, calls, Usage()))

    def answer(self, tool_call_id: str, output: str = "8 degrees") -> list[Outcome]:
        """Let the agent answer."""
        return self.tell(s.ToolAnswered(tool_call_id, ok=True, output=output))

    def wake(self) -> list[Outcome]:
        """Let time pass until the call wants to be woken."""
        assert self.talk.wake_at is not None
        return self.tell(s.TimePassed(), at=self.talk.wake_at - NOW)


def said(outcomes: list[Outcome]) -> list[str | None]:
    """Name what the model is asked to say; None stands for words of its own."""
    return [outcome.instructions for outcome in outcomes if isinstance(outcome, RequestResponse)]


def dropped(outcomes: list[Outcome]) -> list[str]:
    """Name the questions that are dropped."""
    return [outcome.tool_call_id for outcome in outcomes if isinstance(outcome, DropQuestion)]


def outputs(outcomes: list[Outcome]) -> dict[str, dict[str, Any]]:
    """Read what the model gets to know."""
    return {o.tool_call_id: json.loads(o.output) for o in outcomes if isinstance(o, SubmitOutput)}


def finished(outcomes: list[Outcome]) -> list[str]:
    """Name the tool calls that the world is told have finished."""
    return [outcome.tool_call_id for outcome in outcomes if isinstance(outcome, ToolFinishedData)]
