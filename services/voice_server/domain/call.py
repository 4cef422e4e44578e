"""A phone call: what it is doing, what may come next, and what it wants done.

The call is pure: `receive(signal, at)` takes a fact and the time it came, and returns commands. Which signal
leads where stands in `TRANSITIONS`; what a phase wants when it begins stands in `_enter`. Whatever ends a
call, it ends through CLOSING, where both legs are hung up, and so exactly once.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatchmethod

from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import (
    Accept,
    AskTwilio,
    Attach,
    Command,
    HangUp,
    Publish,
    PublishPartial,
)
from services.voice_server.domain.conversation import Conversation
from services.voice_server.domain.cost import cost_usd
from services.voice_server.domain.instructions import tools
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.domain.reporter import EventData, next_event, partial
from services.voice_server.domain.talk import Outcome, SoFar, Talk
from shared.events import CallStatus, EndedData, EndReason, NoData, StartedData

DIALLING, BRIDGING, JOINING, TALKING, CLOSING, ENDED = Phase

TRANSITIONS: Mapping[Phase, Mapping[type[s.Signal], Phase]] = {
    DIALLING: {
        s.LegAnswered: BRIDGING,
        s.CallOffered: JOINING,
        s.LegRefused: CLOSING,
        s.LegEnded: CLOSING,
        s.HangUpRequested: CLOSING,
    },
    BRIDGING: {s.CallOffered: JOINING, s.LegEnded: CLOSING, s.HangUpRequested: CLOSING},
    JOINING: {
        s.SidebandAttached: TALKING,
        s.JoinFailed: CLOSING,
        s.LegEnded: CLOSING,
        s.HangUpRequested: CLOSING,
    },
    TALKING: {
        s.SidebandLost: JOINING,
        s.SidebandClosed: CLOSING,
        s.LegEnded: CLOSING,
        s.HangUpRequested: CLOSING,
    },
    CLOSING: {s.LegsReleased: ENDED},
    ENDED: {},
}
"""Phase -> signal -> next phase. A signal that is not listed leaves the phase as it is."""

PATIENCE: Mapping[Phase, tuple[float, EndReason]] = {
    DIALLING: (90, EndReason.NOT_REACHED),
    BRIDGING: (20, EndReason.CONNECTION_FAILED),
    JOINING: (20, EndReason.CONNECTION_FAILED),
    CLOSING: (15, EndReason.CONNECTION_FAILED),
}
"""How many seconds a phase may last, and why the call ends if it does."""


class Call:
    """One call, from the first ring to the last event.

    Args:
        record: what is known of it; kept up to date here, and saved by whoever runs the call.
        published: after a restart, the ids of the items whose turns were published, in order.
    """

    def __init__(self, record: CallRecord, published: Sequence[str] = ()) -> None:
        self.record = record
        self._at = record.phase_since
        conversation = Conversation(published, record.drafts)
        self._talk = Talk(tools(record.trust), record.usage, conversation, self._at)

    def receive(self, signal: s.Signal, at: float) -> list[Command]:
        """Take in a fact and return what the call wants done about it, in order."""
        self._at = at
        if self.record.phase is ENDED and not isinstance(signal, s.ToolAnswered):
            return []
        # Before a call has a name nothing can be said in it, nor told of it.
        said = self._talk.receive(signal, at) if self.record.call_id else []
        commands = self._report(said) + self._take(signal)
        if phase := TRANSITIONS[self.record.phase].get(type(signal)):
            commands += self._enter(phase)
        self._update(drafts=self._talk.drafts)
        return commands + self._limit()

    def resume(self, at: float) -> list[Command]:
        """Take the call up again after a restart."""
        self._at = at
        call = self.record
        if call.phase is TALKING:
            return self.receive(s.SidebandLost(), at)
        if call.phase in {JOINING, CLOSING}:
            # What is begun anew gets its whole time anew, however long we were away.
            self._update(phase_since=at)
        if call.phase is JOINING and call.rtc_id:
            return [Attach(call.rtc_id, rejoin=call.joined)]
        if call.phase is CLOSING:
            return [self._hang_up()]
        return [AskTwilio(call.call_sid)] if call.call_sid else []

    @property
    def wake_at(self) -> float | None:
        """When the call wants to receive `TimePassed`, in seconds since 1970; None once it has ended."""
        moments = [moment for moment, _ in self._limits()]
        if self._talk.wake_at is not None and moments:
            moments.append(self._talk.wake_at)
        return min(moments, default=None)

    # Phases

    def _enter(self, phase: Phase) -> list[Command]:
        before = self.record.phase
        self._update(phase=phase, phase_since=self._at)
        if phase is JOINING and self.record.rtc_id:
            rejoin = before is TALKING
            return [Attach(self.record.rtc_id, rejoin=True) if rejoin else Accept(self.record.rtc_id)]
        if phase is TALKING:
            return self._greet()
        if phase is CLOSING:
            return [self._hang_up()]
        if phase is ENDED:
            return self._end()
        return []

    def _greet(self) -> list[Command]:
        if self.record.greeted:
            return self._report(self._talk.go_on(self._at))
        self._update(greeted=True)
        return self._report(self._talk.begin(self.record.greeting, self._at))

    def _hang_up(self) -> HangUp:
        call = self.record
        return HangUp(
            call_sid=call.call_sid if call.leg_status is None else None,
            rtc_id=None if call.rtc_gone else call.rtc_id,
        )

    def _end(self) -> list[Command]:
        commands = self._report(self._talk.finish(self._at))
        reason = self.record.end_reason or EndReason.CALLER_HUNG_UP
        status = self.record.final_status
        self._update(status=status, end_reason=reason, ended_at=self._at, sip_token=None)
        call = self.record
        data = EndedData(
            status=status,
            end_reason=reason,
            duration_seconds=call.duration_seconds(self._at),
            usage=call.usage,
            cost_usd=cost_usd(call.model, call.transcription_model, call.usage),
        )
        return commands + self._report([data] if call.call_id else [])

    def _limits(self) -> list[tuple[float, EndReason]]:
        call = self.record
        if call.phase is ENDED:
            return []
        if call.phase is not TALKING:
            seconds, reason = PATIENCE[call.phase]
            return [(call.phase_since + seconds, reason)]
        limits = [
            ((call.answered_at or call.phase_since) + call.max_call_seconds, EndReason.MAX_DURATION),
            (self._talk.silent_at(call.silence_seconds), EndReason.SILENCE),
        ]
        if self._talk.goodbye_by is not None:
            limits.append((self._talk.goodbye_by, EndReason.ASSISTANT_HUNG_UP))
        return limits

    def _limit(self) -> list[Command]:
        due = [(moment, reason) for moment, reason in self._limits() if moment <= self._at]
        if not due:
            return []
        if self.record.phase is CLOSING:
            return self.receive(s.LegsReleased(), self._at)
        return self.receive(s.HangUpRequested(min(due)[1]), self._at)

    @singledispatchmethod
    def _take(self, _: s.Signal) -> list[Command]:
        return []

    # Telephony

    @_take.register
    def _leg_placed(self, signal: s.LegPlaced) -> list[Command]:
        # A call that OpenAI told us of first keeps that name.
        return [] if self.record.call_id else self._identified(call_sid=signal.call_sid)

    @_take.register
    def _call_offered(self, signal: s.CallOffered) -> list[Command]:
        return self._identified(rtc_id=self.record.rtc_id or signal.rtc_id, sip_token=None)

    def _identified(self, **ids: str | None) -> list[Command]:
        self._update(**ids)
        if self.record.sequence or not self.record.call_id:
            return []
        return self._report([StartedData(caller=self.record.caller, callee=self.record.callee)])

    @_take.register(s.LegRefused)
    def _leg_refused(self, signal: s.Signal) -> list[Command]:
        return self._because(signal, EndReason.CONNECTION_FAILED)

    @_take.register(s.LegRang)
    def _leg_rang(self, _: s.Signal) -> list[Command]:
        if self.record.status is CallStatus.QUEUED:
            self._update(status=CallStatus.RINGING)
        return []

    @_take.register(s.LegAnswered)
    def _answered(self, _: s.Signal) -> list[Command]:
        call = self.record
        if call.answered_at is not None or call.phase in {CLOSING, ENDED} or not call.call_id:
            return []
        self._update(answered_at=self._at, status=CallStatus.IN_PROGRESS)
        return self._report([NoData()])

    @_take.register
    def _leg_ended(self, signal: s.LegEnded) -> list[Command]:
        self._update(leg_status=self.record.leg_status or signal.status)
        talked = signal.status is CallStatus.COMPLETED
        return self._because(signal, EndReason.CALLER_HUNG_UP if talked else EndReason.NOT_REACHED)

    @_take.register
    def _legs_released(self, signal: s.LegsReleased) -> list[Command]:
        self._update(leg_status=self.record.leg_status or signal.status)
        return []

    # OpenAI

    @_take.register
    def _call_accepted(self, signal: s.CallAccepted) -> list[Command]:
        if self.record.phase is not JOINING or not self.record.rtc_id:
            return []
        return [*self._answered(signal), Attach(self.record.rtc_id, rejoin=False)]

    @_take.register
    def _join_failed(self, signal: s.JoinFailed) -> list[Command]:
        self._update(rtc_gone=signal.gone)
        hung_up = signal.gone and self.record.joined
        return self._because(signal, EndReason.CALLER_HUNG_UP if hung_up else EndReason.CONNECTION_FAILED)

    @_take.register
    def _sideband_attached(self, signal: s.SidebandAttached) -> list[Command]:
        self._update(joined=True)
        return self._answered(signal)

    @_take.register
    def _sideband_closed(self, signal: s.SidebandClosed) -> list[Command]:
        self._update(rtc_gone=True)
        return self._because(signal, EndReason.MAX_DURATION if signal.expired else EndReason.CALLER_HUNG_UP)

    # Ourselves

    @_take.register
    def _hang_up_requested(self, signal: s.HangUpRequested) -> list[Command]:
        return self._because(signal, signal.reason)

    @_take.register
    def _session_resolved(self, signal: s.SessionResolved) -> list[Command]:
        self._update(session_key=signal.session_key)
        return []

    def _because(self, signal: s.Signal, reason: EndReason) -> list[Command]:
        if TRANSITIONS[self.record.phase].get(type(signal)) is CLOSING:
            self._update(end_reason=reason)
        return []

    def _report(self, outcomes: Iterable[Outcome | EventData]) -> list[Command]:
        self._update(usage=self._talk.usage)
        commands: list[Command] = []
        for outcome in outcomes:
            if isinstance(outcome, Command):
                commands.append(outcome)
            elif isinstance(outcome, SoFar):
                commands.append(PublishPartial(partial(self.record, outcome.turn, self._at)))
            else:
                commands.append(Publish(next_event(self.record, outcome, self._at)))
                self._update(sequence=self.record.sequence + 1)
        return commands

    def _update(self, **changes: object) -> None:
        now = self.record
        if any(
            getattr(now, name) is not value and getattr(now, name) != value for name, value in changes.items()
        ):
            self.record = self.record.model_copy(update=changes)
