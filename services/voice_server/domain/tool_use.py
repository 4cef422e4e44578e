"""The assistant's tools at work: what it asks, what the caller hears meanwhile, and how answers come in.

The call goes on while the agent works. An answer is given to the model as soon as it comes, and the model is
asked to tell it when it interrupts nobody.
"""

from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import (
    AskOpenClaw,
    Command,
    DropQuestion,
    RequestResponse,
    SubmitOutput,
)
from services.voice_server.domain.conversation import Conversation
from services.voice_server.domain.dialogue import Dialogue
from services.voice_server.domain.floor import Floor
from services.voice_server.domain.instructions import ASK_OPENCLAW, END_CALL, tools
from services.voice_server.domain.interim import Interim
from services.voice_server.domain.questions import Questions
from services.voice_server.domain.record import CallRecord, OpenTool
from services.voice_server.domain.tool_call import (
    answer_for_model,
    finished,
    is_never_mind,
    note_for_model,
    request_of,
)
from shared.events import ToolFinishedData, ToolStartedData

GOODBYE_SECONDS = 5
"""How long the assistant's last words may still be played after it has ended the call."""

PAUSE_SECONDS = 1.5
"""How long nobody may have been heard before an answer comes in that the conversation has left behind.

Before that the model replies to the caller of itself, with what it has got.
"""

RETRY_SECONDS = 2.0
"""How long to wait until an answer is to be told again that the model has not told; longer each time."""

MAX_TRIES = 3
"""How often the model is asked to tell it."""

MAX_ROUNDS = 4
"""How often the model may ask the agent again before anybody has spoken."""

_MALFORMED = 'Send {"request": "…"} with what you want to know or have done.'
_LOST = "The question was lost. If the answer still matters, ask it again."
_DROPPED = "Dropped."
_REPLACED = (
    "Dropped for the newer question, perhaps half done. If the caller wants both, ask both at once, or tell "
    "them what was dropped."
)
_FORGET = "(My earlier question is no longer needed.) "
"""What the agent is told with the next question: OpenClaw keeps a dropped one in the conversation."""

_ASKED_ALREADY = "This is being asked already. Its answer comes with the earlier tool call."

ToolOutcome = Command | ToolStartedData | ToolFinishedData


class ToolUse:
    """Carry out the tool calls of one conversation.

    Attributes:
        goodbye_by: when the assistant's goodbye must have been heard; None unless it has ended the call.

    Args:
        call: what is known of the call.
        conversation: what is said.
        dialogue: when the model may speak.
        floor: who is heard.
    """

    def __init__(
        self, call: CallRecord, conversation: Conversation, dialogue: Dialogue, floor: Floor
    ) -> None:
        self.goodbye_by: float | None = None
        self._offered = tools(call.trust)
        self._conversation = conversation
        self._dialogue = dialogue
        self._floor = floor
        self._questions = Questions(call.open_tools)
        self._interim = Interim(call.answer_seconds)
        self._has_dropped = self._is_over = False
        self._has_ended = call.ended_at is not None
        self._rounds = self._tries = 0
        self._not_before = 0.0

    @property
    def open(self) -> tuple[OpenTool, ...]:
        """The tool calls the model has not got the answer of, or the caller has not heard it."""
        return self._questions.open

    @property
    def wake_at(self) -> float | None:
        """When there is something to be said; None while there is not, or somebody else speaks."""
        interim = self._next_interim()
        return self._tell_at if interim is None else interim[0]

    def over(self) -> None:
        """Say nothing more: the call is being hung up. Questions under way are answered all the same."""
        self._is_over = True

    def resume(self, at: float) -> list[ToolOutcome]:
        """Take up the tool calls after a restart, in which those under way were lost."""
        return [
            outcome
            for tool in self._questions.running
            for outcome in self._answer(tool.tool_call_id, _LOST, at, ok=False)
        ]

    def go_on(self) -> list[ToolOutcome]:
        """Give the model again the answers it may not have got."""
        return [SubmitOutput(tool.tool_call_id, tool.output or "") for tool in self._questions.not_taken]

    def cut_off(self) -> list[ToolOutcome]:
        """Note that the line is broken: what has been worded is heard, what has not is told anew."""
        outcomes: list[ToolOutcome] = []
        for name in self._questions.tellers:
            if self._conversation.has_words(name):
                outcomes += self._questions.heard(name)
            self._questions.failed(name)
        return outcomes

    def end(self) -> list[ToolOutcome]:
        """Take out the answers that have come and that the caller will not hear any more."""
        self._has_ended = True
        return list(self._questions.give_up())

    def caller_spoke(self) -> None:
        """Note that the caller goes on speaking."""
        self._rounds = self._tries = 0
        self._questions.caller_spoke()

    def caller_has_it(self) -> list[ToolOutcome]:
        """Note that the caller has said something: what was said before is over, and has been heard."""
        said = [name for name in self._questions.tellers if self._conversation.has_words(name)]
        return [report for name in said for report in self._questions.heard(name)]

    def response_started(self, response_id: str, request: RequestResponse | None) -> None:
        """Note that the model speaks, and what it was asked for; None if it does of itself."""
        if request is None or request.instructions is None:
            self._questions.tell(response_id, asked=request is not None)

    def refused(self, at: float) -> None:
        """Note that something was refused; the model may not have been asked to tell an answer."""
        if self._questions.untold:
            self._try_later(at)

    def playback_started(self, response_id: str) -> list[ToolOutcome]:
        """Note that the caller hears a response, and with it the answers it tells."""
        reports = self._questions.heard(response_id)
        if reports:
            self._tries = 0
        return list(reports)

    def playback_ended(self, at: float) -> None:
        """Note that the caller has heard what was said; a goodbye is over with it."""
        if self.goodbye_by is not None and not self._floor.is_heard:
            self.goodbye_by = at

    def taken(self, tool_call_id: str) -> None:
        """Note that the model has an answer."""
        self._questions.taken(tool_call_id)

    def use(self, ended: s.ResponseEnded, at: float) -> list[ToolOutcome]:
        """Make the tool calls of a response that are new."""
        new = self._questions.enter(ended, at)
        asked = [call for call in new if call.name == ASK_OPENCLAW and call.name in self._offered]
        requests = [request for call in asked if (request := request_of(call.arguments))]
        outcomes = self._told_or_not(ended, at)
        self._rounds += bool(new)
        if any(map(is_never_mind, requests)):
            outcomes += self._questions.give_up(but=ended.response_id)
            outcomes += self._drop(self._questions.earlier(ended.response_id), _DROPPED, at)
        elif requests:
            outcomes += self._drop(self._questions.replaced(ended.response_id, requests), _REPLACED, at)
        for call in new:
            outcomes.append(
                ToolStartedData(tool_call_id=call.tool_call_id, name=call.name, arguments=call.arguments)
            )
            outcomes += self._use(call, ended.response_id, at)
        return outcomes

    def answered(self, signal: s.ToolAnswered, at: float) -> list[ToolOutcome]:
        """Take in the agent's answer; one that nobody waits for any more is nothing."""
        if not self._questions.is_running(signal.tool_call_id):
            return []
        return self._answer(signal.tool_call_id, signal.output, at, ok=signal.ok)

    def what_is_due(self, at: float) -> list[ToolOutcome]:
        """Have the answers told that have come, or the caller kept company, if it is time."""
        if self._tell_at is not None and at >= self._tell_at:
            return list(self._dialogue.want_response(only_talk=self._rounds >= MAX_ROUNDS))
        interim = self._next_interim()
        if interim is None or at < interim[0]:
            return []
        running = self._questions.running
        self._questions.are_late(self._interim.said(interim[1], running, at))
        return list(self._dialogue.remark(interim[1]))

    def _use(self, call: s.ToolCall, response_id: str, at: float) -> list[ToolOutcome]:
        name = call.tool_call_id
        if call.name not in self._offered:
            return self._note(name, f"There is no tool {call.name!r}.", at, ok=False, tell=True)
        if call.name == END_CALL:
            speaks = self._floor.is_heard or self._conversation.expects_playback(response_id)
            self.goodbye_by = at + GOODBYE_SECONDS if speaks else at
            return [finished(self._questions.drop(name), at, ok=True, output="")]
        request = request_of(call.arguments)
        if not request:
            return self._note(name, _MALFORMED, at, ok=False, tell=True)
        spoke = self._conversation.has_words(response_id)
        if is_never_mind(request):
            return self._note(name, _DROPPED, at, ok=True, tell=not spoke)
        if not self._questions.ask(name, request):
            return self._note(name, _ASKED_ALREADY, at, ok=True, tell=not spoke)
        forget, self._has_dropped = _FORGET * self._has_dropped, False
        return [AskOpenClaw(name, forget + request)]

    def _drop(self, dropped: list[OpenTool], why: str, at: float) -> list[ToolOutcome]:
        self._has_dropped |= bool(dropped)
        return [
            outcome
            for tool in dropped
            for outcome in (
                DropQuestion(tool.tool_call_id),
                *self._note(tool.tool_call_id, why, at, ok=False, tell=False),
            )
        ]

    def _answer(self, name: str, output: str, at: float, *, ok: bool) -> list[ToolOutcome]:
        aside = self._questions.is_aside(name)
        read = answer_for_model(output, aside=aside) if ok else note_for_model(output, ok=False)
        report = finished(self._questions.get(name), at, ok=ok, output=output)
        if self._has_ended:
            self._questions.answer(name, read, tell=False)
            return [report]
        return self._submit(self._questions.answer(name, read, tell=True, report=report))

    def _note(self, name: str, note: str, at: float, *, ok: bool, tell: bool) -> list[ToolOutcome]:
        tool = self._questions.answer(name, note_for_model(note, ok=ok), tell=tell)
        return [finished(tool, at, ok=ok, output=note), *self._submit(tool)]

    def _told_or_not(self, ended: s.ResponseEnded, at: float) -> list[ToolOutcome]:
        if ended.tool_calls:  # It has dealt with what it has got, in its own way.
            return list(self._questions.heard(ended.response_id))
        spoke = self._conversation.has_words(ended.response_id)
        if not spoke and self._questions.failed(ended.response_id):
            self._try_later(at)
        return []

    def _try_later(self, at: float) -> None:
        self._tries += 1
        self._not_before = at + RETRY_SECONDS * self._tries

    def _submit(self, tool: OpenTool) -> list[ToolOutcome]:
        return [] if self._dialogue.is_cut_off else [SubmitOutput(tool.tool_call_id, tool.output or "")]

    @property
    def _may_speak(self) -> bool:
        ending = self._is_over or self.goodbye_by is not None
        return not ending and self._dialogue.is_free and not self._floor.caller_speaks

    @property
    def _tell_at(self) -> float | None:
        untold = self._questions.untold
        if not untold or not self._may_speak or self._tries >= MAX_TRIES:
            return None
        if not any(self._questions.is_aside(tool.tool_call_id) for tool in untold):
            return self._not_before
        pause_at = max(self._not_before, self._floor.quiet_since + PAUSE_SECONDS)
        return pause_at if self._floor.is_quiet else None

    def _next_interim(self) -> tuple[float, str] | None:
        running = [tool for tool in self._questions.running if tool.request]
        if not running or self._tell_at is not None or not self._may_speak or self._floor.is_heard:
            return None
        acknowledged = self._conversation.has_words(running[-1].response_id)
        return self._interim.next(running, self._floor.quiet_since, acknowledged=acknowledged)
