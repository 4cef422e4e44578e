"""Somebody who watches a call from outside."""

from services.voice_server.domain import signals as s
from services.voice_server.domain.call import Call
from services.voice_server.domain.commands import (
    AskOpenClaw,
    Command,
    DropQuestion,
    HangUp,
    Publish,
    PublishPartial,
    RequestResponse,
    SubmitOutput,
)
from services.voice_server.domain.record import CallRecord
from services.voice_server.domain.transitions import CLOSING, ENDED, JOINING, TALKING
from shared.events import KeptEvent, TranscriptUpdate
from shared.transcript import Turn, in_order
from tests.voice_server.domain.records import GREETING, START


class Witness:
    """Watch a call from outside, and object as soon as it breaks one of its promises."""

    def __init__(self, call: CallRecord) -> None:
        self.call = Call(call)
        self.now = START
        self.events: list[KeptEvent] = []
        self.hung_up = False
        self.greetings = 0
        self.requested: RequestResponse | None = None
        self.active: set[str] = set()
        self.caller_speaks = False
        self.attached = True
        self.asked: set[str] = set()

    def tell(self, signal: s.Signal, seconds: float = 0) -> None:
        """Tell the call something, so many seconds later."""
        self.now += seconds
        if self.call.record.call_id:
            self._note(signal)
        self._see(self.call.receive(signal, self.now))

    def wake(self) -> None:
        """Let time pass until the call wants to be woken."""
        if (wake_at := self.call.wake_at) is not None:
            self.tell(s.TimePassed(), max(0, wake_at - self.now))

    def restart(self, seconds: float) -> None:
        """Forget all but what was saved: the record and the events."""
        self.now += seconds
        saved = self.call.record
        self.call = Call(CallRecord.model_validate_json(saved.model_dump_json()), self.transcript)
        self.requested = None
        self.caller_speaks = False
        self.attached = saved.phase is not TALKING and not (saved.phase is JOINING and saved.joined)
        self.active.clear()
        self.asked.clear()
        self._see(self.call.resume(self.now))

    @property
    def transcript(self) -> list[str]:
        """The items published, as a reader arranges them."""
        turns = [Turn.of(event) for event in self.events if isinstance(event, TranscriptUpdate)]
        return [turn.item_id for turn in in_order(turns)]

    def count(self, kind: str) -> int:
        """Count the events of a type."""
        return sum(event.event_type == kind for event in self.events)

    def _note(self, signal: s.Signal) -> None:
        match signal:
            case s.ResponseStarted(response_id, request_id):
                self.active = {response_id}
                self._answered(request_id)
            case s.ResponseEnded(response_id):
                self.active.discard(response_id)
                if not self.active:
                    # A request whose beginning OpenAI did not name: this was its end.
                    self.requested = None
            case s.RequestRefused(request_id, code) if self.requested:
                refused = request_id in {None, self.requested.request_id}
                if refused and code != "server_error" and self.requested.instructions:
                    self.greetings -= 1
                self._answered(self.requested.request_id if refused else None)
            case s.PlaybackEnded(response_id, cut=False):
                self.active.discard(response_id)
            case s.CallerSpoke(goes_on):
                self.caller_speaks = goes_on
            case s.SidebandLost():
                self.requested, self.attached, self.caller_speaks = None, False, False
                self.active.clear()
            case s.SidebandAttached():
                self.attached = True

    def _answered(self, request_id: str | None) -> None:
        if self.requested and self.requested.request_id == request_id:
            self.requested = None

    def _see(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Publish(event):
                    self._see_event(event)
                case PublishPartial(event):
                    assert not self.count("call_ended")
                    assert event.call_id == self.call.record.call_id
                case HangUp():
                    self.hung_up = True
                case RequestResponse():
                    assert self.attached
                    assert not self.active
                    assert not self.requested
                    assert not (command.is_remark and self.caller_speaks)
                    self.requested = command
                    self.greetings += command.instructions == GREETING
                    assert self.greetings <= 1
                case SubmitOutput():
                    assert self.attached
                case AskOpenClaw(tool_call_id):
                    assert tool_call_id not in self.asked
                    self.asked.add(tool_call_id)
                case DropQuestion(tool_call_id):
                    assert tool_call_id in self.asked
        self._see_record()

    def _see_event(self, event: KeptEvent) -> None:
        assert event.sequence == len(self.events) + 1
        assert event.event_id not in {other.event_id for other in self.events}
        assert (event.event_type == "call_started") == (not self.events)
        assert event.event_type == "tool_finished" or not self.count("call_ended")
        assert event.call_id == (self.events or [event])[0].call_id
        self.events.append(event)

    def _see_record(self) -> None:
        saved = self.call.record
        assert CallRecord.model_validate_json(saved.model_dump_json()) == saved
        assert saved.sequence == len(self.events)
        assert (saved.end_reason is not None) == (saved.phase in {CLOSING, ENDED})
        assert self.count("call_answered") <= 1
        assert len(set(self.transcript)) == len(self.transcript)
        if saved.phase is ENDED:
            assert self.hung_up
            assert saved.status.is_final
            assert self.count("call_ended") == (1 if saved.call_id else 0)
            assert (self.call.wake_at is not None) == bool(saved.live_sid or saved.live_rtc)
        else:
            assert self.call.wake_at is not None
