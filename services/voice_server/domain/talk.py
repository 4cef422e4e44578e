"""What goes on inside a call: the turns, the tools, and who has the floor.

Like the call itself it is pure. It answers a signal with commands and with the data of events; the call
numbers those and publishes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatchmethod

from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import RetrieveItem
from services.voice_server.domain.conversation import Conversation
from services.voice_server.domain.dialogue import Dialogue
from services.voice_server.domain.floor import Floor
from services.voice_server.domain.instructions import INTERRUPTED
from services.voice_server.domain.record import CallRecord, Draft, OpenTool
from services.voice_server.domain.tool_use import ToolOutcome, ToolUse
from shared.events import Speaker, TurnData, Usage

GAP_SECONDS = 8
"""After a gap: how long nobody may speak until the assistant asks what it has missed."""


@dataclass(frozen=True, slots=True)
class SoFar:
    """A turn that is still being said."""

    turn: TurnData


Outcome = ToolOutcome | TurnData | SoFar


class Talk:
    """The conversation of one call as its sideband tells it.

    Attributes:
        usage: what OpenAI has told that it used, each response and each transcription once.
        has_missed_usage: OpenAI may have used more than it could tell us of.

    Args:
        call: what is known of the call when its conversation begins, or after a restart.
        published: after a restart, the ids of the items whose turns were published, in order.
        at: when it begins, in seconds since 1970.
    """

    def __init__(self, call: CallRecord, published: Sequence[str], at: float) -> None:
        self.usage = call.usage
        self.has_missed_usage = False
        self._conversation = Conversation(published, call.drafts)
        self._dialogue = Dialogue()
        self._floor = Floor(at)
        self._tools = ToolUse(call, self._conversation, self._dialogue, self._floor)
        self._billed: set[str] = set()
        self._owed: set[str] = set()
        self._ask_at: float | None = None

    def receive(self, signal: s.Signal, at: float) -> list[Outcome]:
        """Take in a signal; say what is to be done and what is to be told."""
        taken = self._take(signal, at)
        due = [*self._ask_what_was_missed(at), *self._tools.what_is_due(at)]
        return [*taken, *due, *self._conversation.release(at)]

    def begin(self, greeting: str, at: float) -> list[Outcome]:
        """Let the assistant say the first words."""
        self._floor.begin(at)
        return self.say(greeting)

    def say(self, instructions: str) -> list[Outcome]:
        """Let the assistant say something of ours, now or when it has finished."""
        return list(self._dialogue.want_response(instructions))

    def go_on(self, at: float) -> list[Outcome]:
        """Take up the conversation after a gap: ask for what may have been missed of the turns known of."""
        self._floor.begin(at)
        answer_comes = self._dialogue.is_answering or self._tools.open
        self._ask_at = None if answer_comes else at + GAP_SECONDS
        return [RetrieveItem(draft.item_id) for draft in self.drafts if not draft.text]

    def resume(self, at: float) -> list[Outcome]:
        """Take up the conversation after a restart, in which the questions under way were lost."""
        self._dialogue.resume(at)
        return list(self._tools.resume(at))

    def leave_off(self) -> None:
        """Say nothing more: the call is being hung up."""
        self._tools.over()

    def finish(self, at: float) -> list[Outcome]:
        """Take out all turns that are left; those still being said are marked as interrupted."""
        self._ask_at = None
        self.has_missed_usage |= not self._owed <= self._billed
        return list(self._conversation.flush(at))

    def unheard(self) -> list[Outcome]:
        """Take out the answers of the agent that the caller has not heard; afterwards none is waited for."""
        return list(self._tools.end())

    @property
    def goodbye_by(self) -> float | None:
        """When the assistant's goodbye must have been heard; None unless it has ended the call."""
        return self._tools.goodbye_by

    def silent_at(self, silence_seconds: int) -> float:
        """Compute when nobody will have spoken for that long."""
        return self._floor.silent_at(silence_seconds)

    @property
    def voice_at(self) -> float:
        """When somebody was last heard, in seconds since 1970."""
        return self._floor.voice_at

    @property
    def open_tools(self) -> tuple[OpenTool, ...]:
        """The tool calls the model has not got the answer of."""
        return self._tools.open

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """The turns that are known of, but have not been published."""
        return self._conversation.drafts

    @property
    def wake_at(self) -> float | None:
        """When a turn has waited long enough for the one before it, or something is to be said."""
        moments = (self._conversation.wake_at, self._ask_at, self._tools.wake_at)
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
        heard: list[ToolOutcome] = []
        missed = signal.previous_item_id
        known = missed is None or self._conversation.knows(missed)
        self._conversation.add(signal.item_id, missed, signal.speaker, at)
        if signal.speaker is Speaker.CALLER:
            self._owed.add(signal.item_id)
            self._floor.caller_has_it()
            heard = self._tools.caller_has_it()
        return [*heard, *([] if missed is None or known else [RetrieveItem(missed)])]

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
        self._floor.words_came(at)
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
        self._ask_at = None
        self._floor.cut_off()
        self._dialogue.cut_off()
        return list(self._tools.cut_off())

    @_take.register
    def _sideband_attached(self, _: s.SidebandAttached, __: float) -> list[Outcome]:
        return [*self._tools.go_on(), *self._dialogue.go_on()]

    @_take.register
    def _caller_spoke(self, signal: s.CallerSpoke, at: float) -> list[Outcome]:
        self._ask_at = None
        self._floor.caller_spoke(at, goes_on=signal.goes_on)
        self._tools.caller_spoke()
        return []

    @_take.register
    def _caller_idled(self, _: s.CallerIdled, __: float) -> list[Outcome]:
        self._floor.caller_idled()
        return []

    @_take.register
    def _playback_started(self, signal: s.PlaybackStarted, at: float) -> list[Outcome]:
        self._ask_at = None
        self._floor.playback_started(signal.response_id, at)
        return list(self._tools.playback_started(signal.response_id))

    @_take.register
    def _playback_ended(self, signal: s.PlaybackEnded, at: float) -> list[Outcome]:
        self._floor.playback_ended(signal.response_id, at)
        self._conversation.played(signal.response_id, cut=signal.cut, at=at)
        self._tools.playback_ended(at)
        return [] if signal.cut else list(self._dialogue.played(signal.response_id))

    @_take.register
    def _response_started(self, signal: s.ResponseStarted, _: float) -> list[Outcome]:
        self._ask_at = None
        self._owed.add(signal.response_id)
        self._tools.response_started(signal.response_id, self._dialogue.response_started(signal))
        return []

    @_take.register
    def _request_refused(self, signal: s.RequestRefused, at: float) -> list[Outcome]:
        self._tools.refused(at)
        return list(self._dialogue.refused(signal))

    # Tools

    @_take.register
    def _response_ended(self, signal: s.ResponseEnded, at: float) -> list[Outcome]:
        self._bill(signal.response_id, signal.usage)
        return [*self._dialogue.response_ended(signal), *self._tools.use(signal, at)]

    @_take.register
    def _tool_answered(self, signal: s.ToolAnswered, at: float) -> list[Outcome]:
        return list(self._tools.answered(signal, at))

    @_take.register
    def _output_taken(self, signal: s.OutputTaken, _: float) -> list[Outcome]:
        self._tools.taken(signal.tool_call_id)
        return []

    def _bill(self, name: str, usage: Usage) -> None:
        if name not in self._billed:
            self._billed.add(name)
            self.usage += usage
