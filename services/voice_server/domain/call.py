"""A phone call: what it is doing, what may come next, and what it wants done.

The call is pure: `receive(signal, at)` takes a fact and the time it came, and returns commands. Which signal
leads where stands in `transitions.py`; what a phase wants when it begins stands in `_enter`; what is due when
nothing happens stands in `deadlines.py`. Whatever ends a call, it ends through CLOSING, where both legs are
hung up, and so exactly once.
"""

from collections.abc import Iterable, Sequence
from functools import singledispatchmethod
from operator import itemgetter

from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import (
    Accept,
    Attach,
    Command,
    Publish,
    PublishPartial,
)
from services.voice_server.domain.cost import NO_PRICES, Prices
from services.voice_server.domain.deadlines import OPENAI_SECONDS, Deadline, deadlines
from services.voice_server.domain.ending import Ending
from services.voice_server.domain.instructions import TIME_NEARLY_UP
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.domain.reporter import EventData, ended_data, next_event, partial
from services.voice_server.domain.resuming import ask_about, first_commands, hang_up
from services.voice_server.domain.talk import Outcome, SoFar, Talk
from services.voice_server.domain.transitions import (
    CLOSING,
    ENDED,
    FOUND,
    JOINING,
    STILL_TAKEN,
    TALKING,
    TRANSITIONS,
)
from shared.events import CallStatus, EndReason, NoData, StartedData


class Call:
    """One call, from the first ring to the last event.

    Args:
        record: what is known of it; kept up to date here, and saved by whoever runs the call.
        published: after a restart, the ids of the items whose turns were published, in order.
        prices: what its usage costs.
    """

    def __init__(self, record: CallRecord, published: Sequence[str] = (), prices: Prices = NO_PRICES) -> None:
        self.record = record
        self._prices = prices
        self._at = record.phase_since
        self._talk = Talk(record, published, self._at)
        self._quiet_since = self._at
        self._ending = Ending()

    def receive(self, signal: s.Signal, at: float) -> list[Command]:
        """Take in a fact and return what the call wants done about it, in order."""
        self._at = at
        if self.record.phase is ENDED and not isinstance(signal, (*STILL_TAKEN, s.TimePassed)):
            return []
        if not isinstance(signal, s.TimePassed):
            self._quiet_since = at
        # Before a call has a name nothing can be said in it, nor told of it.
        said = self._talk.receive(signal, at) if self.record.call_id else []
        commands = self._report(said) + self._take(signal)
        if phase := TRANSITIONS[self.record.phase].get(type(signal)):
            commands += self._enter(phase)
        self._update(drafts=self._talk.drafts, open_tools=self._talk.open_tools)
        return commands + self._what_is_due()

    def resume(self, at: float) -> list[Command]:
        """Take the call up again after a restart."""
        self._at = self._quiet_since = at
        self._ending.gap_began(self.record.known_at)
        self._talk.has_missed_usage = self.record.joined
        lost = self._report(self._talk.resume(at))
        self._update(open_tools=self._talk.open_tools)
        if self.record.phase is TALKING:
            return lost + self.receive(s.SidebandLost(), at)
        if self.record.phase in {JOINING, CLOSING}:
            # What is begun anew gets its whole time anew, however long we were away.
            self._update(phase_since=at)
        return lost + first_commands(self.record)

    @property
    def wake_at(self) -> float | None:
        """When the call wants to receive `TimePassed`, in seconds since 1970; None once it has ended."""
        moments = [moment for moment, _ in self._deadlines()]
        if self._talk.wake_at is not None and self.record.phase is not ENDED:
            moments.append(self._talk.wake_at)
        return min(moments, default=None)

    # Phases

    def _enter(self, phase: Phase) -> list[Command]:
        before = self.record.phase
        self._update(phase=phase, phase_since=self._at)
        if phase is JOINING and (rtc_id := self.record.rtc_id):
            return [Attach(rtc_id, rejoin=True) if before is TALKING else Accept(rtc_id, repeated=False)]
        if phase is TALKING:
            return self._greet()
        if phase is CLOSING:
            self._talk.leave_off()
            return [hang_up(self.record)]
        return self._end() if phase is ENDED else []

    def _greet(self) -> list[Command]:
        if self.record.greeted:
            return self._report(self._talk.go_on(self._at))
        self._update(greeted=True)
        return self._report(self._talk.begin(self.record.greeting, self._at))

    def _end(self) -> list[Command]:
        self._talk.has_missed_usage |= self._ending.was_unheard(self.record, self._at)
        commands = self._report(self._talk.finish(self._at))
        reason = self.record.end_reason or EndReason.CALLER_HUNG_UP
        status = self.record.final_status
        ended_at = self._ending.ended_at(self.record, self._at)
        self._update(status=status, end_reason=reason, ended_at=ended_at, sip_token=None)
        self._ending.next_release(self._at)
        if not self.record.call_id:
            return commands
        return commands + self._report([ended_data(self.record), *self._talk.unheard()])

    def _deadlines(self) -> list[Deadline]:
        return deadlines(self.record, self._talk, self._quiet_since, self._ending.release_at)

    def _what_is_due(self) -> list[Command]:
        due = [deadline for deadline in self._deadlines() if deadline[0] <= self._at]
        return self.receive(min(due, key=itemgetter(0))[1], self._at) if due else []

    @property
    def _left(self) -> EndReason:
        return self.record.left_because(self._ending.ended_at(self.record, self._at))

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
        self._update(leg_status=self.record.leg_status or signal.status, leg_gone=True)
        talked = signal.status is CallStatus.COMPLETED
        return self._because(signal, self._left if talked else EndReason.NOT_REACHED)

    @_take.register
    def _leg_found(self, signal: s.LegFound) -> list[Command]:
        if not signal.status.is_final:
            found = FOUND.get(signal.status)
            return self.receive(found, self._at) if found else []
        if self._talk.voice_at > signal.asked_at:
            # Somebody has spoken meanwhile. If it was over all the same, it will turn out the next time.
            return []
        self._ending.came_at(signal.ended_at)
        return self.receive(s.LegEnded(signal.status), self._at)

    @_take.register
    def _legs_released(self, signal: s.LegsReleased) -> list[Command]:
        call = self.record
        self._update(
            leg_status=call.leg_status or signal.status,
            leg_gone=call.leg_gone or signal.call_sid is not None,
            rtc_gone=call.rtc_gone or signal.rtc_id is not None,
        )
        self._ending.came_at(signal.ended_at)
        return []

    @_take.register
    def _release_due(self, _: s.ReleaseDue) -> list[Command]:
        # Each network has a limit of its own: Twilio the one it was told, OpenAI an hour.
        since = self._at - (self.record.ended_at or 0)
        self._update(
            leg_gone=self.record.leg_gone or since > self.record.max_call_seconds,
            rtc_gone=self.record.rtc_gone or since > OPENAI_SECONDS,
        )
        self._ending.next_release(self._at)
        return [] if self.record.is_settled else [hang_up(self.record)]

    # OpenAI

    @_take.register
    def _call_accepted(self, signal: s.CallAccepted) -> list[Command]:
        if self.record.phase is not JOINING or not self.record.rtc_id:
            return []
        return [*self._answered(signal), Attach(self.record.rtc_id, rejoin=False)]

    @_take.register
    def _join_failed(self, signal: s.JoinFailed) -> list[Command]:
        self._update(rtc_gone=self.record.rtc_gone or signal.gone)
        if signal.gone:
            self._ending.came_in_the_gap()
        hung_up = signal.gone and self.record.joined
        return self._because(signal, self._left if hung_up else EndReason.CONNECTION_FAILED)

    @_take.register
    def _sideband_attached(self, signal: s.SidebandAttached) -> list[Command]:
        self._ending.gap_ended()
        self._talk.has_missed_usage |= self.record.joined
        self._update(joined=True)
        return self._answered(signal)

    @_take.register
    def _sideband_lost(self, _: s.SidebandLost) -> list[Command]:
        self._ending.gap_began(self._at)
        return []

    @_take.register
    def _sideband_closed(self, signal: s.SidebandClosed) -> list[Command]:
        self._update(rtc_gone=True)
        return self._because(signal, EndReason.MAX_DURATION if signal.expired else self._left)

    # Ourselves

    @_take.register
    def _hang_up_requested(self, signal: s.HangUpRequested) -> list[Command]:
        return self._because(signal, signal.reason)

    @_take.register
    def _time_nearly_up(self, _: s.TimeNearlyUp) -> list[Command]:
        self._update(warned=True)
        return self._report(self._talk.say(TIME_NEARLY_UP))

    @_take.register
    def _went_quiet(self, _: s.WentQuiet) -> list[Command]:
        return ask_about(self.record)

    @_take.register
    def _session_resolved(self, signal: s.SessionResolved) -> list[Command]:
        self._update(session_key=signal.session_key)
        return []

    def _because(self, signal: s.Signal, reason: EndReason) -> list[Command]:
        if TRANSITIONS[self.record.phase].get(type(signal)) is CLOSING:
            self._update(end_reason=reason)
        return []

    def _report(self, outcomes: Iterable[Outcome | EventData]) -> list[Command]:
        self._count()
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

    def _count(self) -> None:
        call, usage = self.record, self._talk.usage
        if call.ended_at is None:  # What a call has cost is not reckoned anew at later prices.
            cost = self._prices.cost_usd(call.model, call.transcription_model, usage)
            complete = call.usage_complete and not self._talk.has_missed_usage
            self._update(usage=usage, cost_usd=cost, usage_complete=complete)

    def _update(self, **changes: object) -> None:
        now = self.record
        if any(
            getattr(now, name) is not value and getattr(now, name) != value for name, value in changes.items()
        ):
            self.record = self.record.model_copy(update={**changes, "known_at": self._at})
