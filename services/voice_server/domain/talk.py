"""What goes on inside a call: the turns, the tools, and who has the floor.

Like the call itself it is pure. It answers a signal with commands and with the data of events; the call
numbers those and publishes them.
"""

import json
from dataclasses import dataclass
from functools import singledispatchmethod

from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import AskOpenClaw, Command, RetrieveItem
from services.voice_server.domain.conversation import Conversation
from services.voice_server.domain.dialogue import Dialogue
from services.voice_server.domain.instructions import END_CALL, INTERRUPTED
from services.voice_server.domain.record import Draft, OpenTool
from services.voice_server.domain.tool_call import finished, request_of
from shared.events import Speaker, ToolFinishedData, ToolStartedData, TurnData, Usage

GOODBYE_SECONDS = 5
"""How long the assistant's last words may still be played after it has ended the call."""

GAP_SECONDS = 8
"""After a gap: how long nobody may speak until the assistant asks what it has missed."""

MONOLOGUE_SECONDS = 180
"""How long one of the two may speak without a sign of it: the end of a playback can get lost."""


@dataclass(frozen=True, slots=True)
class SoFar:
    """A turn that is still being said."""

    turn: TurnData


Outcome = Command | TurnData | SoFar | ToolStartedData | ToolFinishedData


class Talk:
    """The conversation of one call as its sideband tells it.

    Attributes:
        usage: what OpenAI has told that it used, each response and each transcription once.
        has_missed_usage: OpenAI may have used more than it could tell us of.

    Args:
        tools: the names of the tools this caller may have used.
        usage: what was consumed before a restart.
        conversation: what was said so far.
        open_tools: the tool calls that were not answered before a restart.
        at: when it begins, in seconds since 1970.
    """

    def __init__(
        self,
        tools: tuple[str, ...],
        usage: Usage,
        conversation: Conversation,
        open_tools: tuple[OpenTool, ...],
        at: float,
    ) -> None:
        self.usage = usage
        self.has_missed_usage = False
        self._tools = tools
        self._conversation = conversation
        self._dialogue = Dialogue(open_tools)
        self._billed: set[str] = set()
        self._owed: set[str] = set()
        self._voice_at = at
        self._caller_speaks = self._is_idle = False
        self._goodbye_by: float | None = None
        self._ask_at: float | None = None

    def receive(self, signal: s.Signal, at: float) -> list[Outcome]:
        """Take in a signal; say what is to be done and what is to be told."""
        return [*self._take(signal, at), *self._ask_what_was_missed(at), *self._conversation.release(at)]

    def begin(self, greeting: str, at: float) -> list[Outcome]:
        """Let the assistant say the first words."""
        self._voice_at = at
        return self.say(greeting)

    def say(self, instructions: str) -> list[Outcome]:
        """Let the assistant say something of ours, now or when it has finished."""
        return list(self._dialogue.want_response(instructions))

    def go_on(self, at: float) -> list[Outcome]:
        """Take up the conversation after a gap: ask for what may have been missed of the turns known of."""
        self._voice_at = at
        answer_comes = self._dialogue.is_answering or self._dialogue.tools
        self._ask_at = None if answer_comes else at + GAP_SECONDS
        return [RetrieveItem(draft.item_id) for draft in self.drafts if not draft.text]

    def resume(self, at: float) -> list[Outcome]:
        """Take up the conversation after a restart, in which the questions under way were lost."""
        self._dialogue.resume(at)
        lost = "The question was lost. If the answer still matters, ask it again."
        running = [tool.tool_call_id for tool in self.open_tools if tool.output is None]
        return [outcome for name in running for outcome in self._answer(name, at, ok=False, output=lost)]

    def finish(self, at: float) -> list[Outcome]:
        """Take out all turns that are left; those still being said are marked as interrupted."""
        self._ask_at = None
        self.has_missed_usage |= not self._owed <= self._billed
        return list(self._conversation.flush(at))

    @property
    def goodbye_by(self) -> float | None:
        """When the assistant's goodbye must have been heard; None unless it has ended the call."""
        return self._goodbye_by

    def silent_at(self, silence_seconds: int) -> float:
        """Compute when nobody will have spoken for that long."""
        somebody_speaks = self._caller_speaks or (self._dialogue.is_heard and not self._is_idle)
        return self._voice_at + silence_seconds + (MONOLOGUE_SECONDS if somebody_speaks else 0)

    @property
    def voice_at(self) -> float:
        """When somebody was last heard, in seconds since 1970."""
        return self._voice_at

    @property
    def open_tools(self) -> tuple[OpenTool, ...]:
        """The tool calls the model has not got the answer of."""
        return self._dialogue.tools

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """The turns that are known of, but have not been published."""
        return self._conversation.drafts

    @property
    def wake_at(self) -> float | None:
        """When a turn has waited long enough for the one before it, or the silence after a gap has."""
        moments = (self._conversation.wake_at, self._ask_at)
        return min((moment for moment in moments if moment is not None), default=None)

    def _ask_what_was_missed(self, at: float) -> list[Outcome]:
        if self._ask_at is None or at < self._ask_at:
            return []
        self._ask_at = None
        return self.say(INTERRUPTED)

    @singledispatchmethod
    def _take(self, _: s.Signal, __: float) -> list[Outcome]:
        return []

    # Turns

    @_take.register
    def _item_added(self, signal: s.ItemAdded, at: float) -> list[Outcome]:
        missed = signal.previous_item_id
        known = missed is None or self._conversation.knows(missed)
        self._conversation.add(signal.item_id, missed, signal.speaker, at)
        if signal.speaker is Speaker.CALLER:
            self._owed.add(signal.item_id)
        return [] if missed is None or known else [RetrieveItem(missed)]

    @_take.register
    def _item_retrieved(self, signal: s.ItemRetrieved, at: float) -> list[Outcome]:
        if signal.speaker and signal.text is not None:
            self._conversation.retrieve(signal.item_id, signal.speaker, signal.text, at)
        return []

    @_take.register
    def _item_assigned(self, signal: s.ItemAssigned, _: float) -> list[Outcome]:
        self._conversation.assign(signal.item_id, signal.response_id)
        return []

    @_take.register
    def _text_grew(self, signal: s.TextGrew, at: float) -> list[Outcome]:
        self._heard(at)
        turn = self._conversation.grow(signal.item_id, signal.speaker, signal.text)
        return [SoFar(turn)] if turn else []

    @_take.register
    def _text_written(self, signal: s.TextWritten, _: float) -> list[Outcome]:
        self._conversation.write(signal.item_id, signal.text)
        return []

    @_take.register
    def _caller_transcribed(self, signal: s.CallerTranscribed, at: float) -> list[Outcome]:
        self._bill(signal.item_id, signal.usage)
        self._conversation.transcribe(signal.item_id, signal.text, at)
        return []

    @_take.register
    def _item_cut(self, signal: s.ItemCut, at: float) -> list[Outcome]:
        self._conversation.cut(signal.item_id, at)
        return []

    # The floor

    @_take.register
    def _sideband_lost(self, _: s.SidebandLost, __: float) -> list[Outcome]:
        self._caller_speaks, self._ask_at = False, None
        self._dialogue.cut_off()
        return []

    @_take.register
    def _sideband_attached(self, _: s.SidebandAttached, __: float) -> list[Outcome]:
        return list(self._dialogue.go_on())

    @_take.register
    def _caller_spoke(self, signal: s.CallerSpoke, at: float) -> list[Outcome]:
        self._is_idle = False
        self._heard(at)
        self._caller_speaks, self._ask_at = signal.goes_on, None
        return []

    @_take.register
    def _caller_idled(self, _: s.CallerIdled, __: float) -> list[Outcome]:
        self._is_idle = True
        return []

    @_take.register
    def _playback_started(self, signal: s.PlaybackStarted, at: float) -> list[Outcome]:
        self._heard(at)
        self._ask_at = None
        self._dialogue.playback_started(signal.response_id)
        return []

    @_take.register
    def _playback_ended(self, signal: s.PlaybackEnded, at: float) -> list[Outcome]:
        self._heard(at)
        commands = self._dialogue.playback_ended(signal.response_id, cut=signal.cut)
        self._conversation.played(signal.response_id, cut=signal.cut, at=at)
        if self._goodbye_by is not None and not self._dialogue.is_heard:
            self._goodbye_by = at
        return list(commands)

    @_take.register
    def _response_started(self, signal: s.ResponseStarted, _: float) -> list[Outcome]:
        self._ask_at = None
        self._owed.add(signal.response_id)
        self._dialogue.response_started(signal)
        return []

    @_take.register
    def _request_refused(self, signal: s.RequestRefused, _: float) -> list[Outcome]:
        return list(self._dialogue.refused(signal))

    # Tools

    @_take.register
    def _response_ended(self, signal: s.ResponseEnded, at: float) -> list[Outcome]:
        self._bill(signal.response_id, signal.usage)
        calls, commands = self._dialogue.response_ended(signal, at)
        outcomes: list[Outcome] = list(commands)
        for call in calls:
            outcomes.append(
                ToolStartedData(tool_call_id=call.tool_call_id, name=call.name, arguments=call.arguments)
            )
            outcomes += self._use(call, signal.response_id, at)
        return outcomes

    def _use(self, call: s.ToolCall, response_id: str, at: float) -> list[Outcome]:
        if call.name not in self._tools:
            return self._answer(call.tool_call_id, at, ok=False, output=f"There is no tool {call.name!r}.")
        if call.name == END_CALL:
            speaks = self._dialogue.is_heard or self._conversation.expects_playback(response_id)
            self._goodbye_by = at + GOODBYE_SECONDS if speaks else at
            return [finished(self._dialogue.drop(call.tool_call_id), at, ok=True, output="")]
        if request := request_of(call.arguments):
            return [AskOpenClaw(call.tool_call_id, request)]
        problem = 'Send {"request": "…"} with what you want to know or have done.'
        return self._answer(call.tool_call_id, at, ok=False, output=problem)

    @_take.register
    def _tool_answered(self, signal: s.ToolAnswered, at: float) -> list[Outcome]:
        if not self._dialogue.is_running(signal.tool_call_id):
            return []
        return self._answer(signal.tool_call_id, at, ok=signal.ok, output=signal.output)

    def _answer(self, tool_call_id: str, at: float, *, ok: bool, output: str) -> list[Outcome]:
        told = json.dumps({"ok": ok, "answer" if ok else "error": output}, ensure_ascii=False)
        tool, commands = self._dialogue.answer(tool_call_id, told)
        return [finished(tool, at, ok=ok, output=output), *commands]

    @_take.register
    def _output_taken(self, signal: s.OutputTaken, _: float) -> list[Outcome]:
        self._dialogue.taken(signal.tool_call_id)
        return []

    def _heard(self, at: float) -> None:
        # What the assistant says into an empty room is not talk.
        if not self._is_idle:
            self._voice_at = at

    def _bill(self, name: str, usage: Usage) -> None:
        if name not in self._billed:
            self._billed.add(name)
            self.usage += usage
