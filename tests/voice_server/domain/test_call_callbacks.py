"""Whatever Twilio tells of a leg, in whatever order and however often: the call ends once, and the same."""

from itertools import combinations, permutations

import pytest

from services.voice_server.adapters.twilio_webhook import signal_of
from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import HangUp
from services.voice_server.domain.deadlines import PATIENCE
from services.voice_server.domain.transitions import BRIDGING, CLOSING, ENDED
from shared.events import CallStatus, EndReason
from tests.voice_server.domain.records import outbound
from tests.voice_server.domain.signals import DIALLED, FINAL, RTC, SID
from tests.voice_server.domain.witness import Witness

STORIES: dict[CallStatus, tuple[str, ...]] = {
    status: (
        "initiated",
        "ringing",
        *(["in-progress"] if status is CallStatus.COMPLETED else []),
        str(status),
    )
    for status in FINAL
    if status is not CallStatus.REJECTED
}
"""Each end that Twilio knows, with all that is told before it."""


def orders(story: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Give each order of all that is told of a call, and of every part of it that the end belongs to."""
    parts = (part for size in range(1, len(story) + 1) for part in combinations(story, size))
    return {order for part in parts if story[-1] in part for order in permutations(part)}


def told(witness: Witness, status: str) -> None:
    """Tell what a callback means, twice: its repeat has the same token, another or none."""
    if signal := signal_of(status):
        for _ in range(2):
            witness.tell(signal, 0.5)


@pytest.mark.parametrize("end", STORIES)
def test_callbacks_in_every_order_with_repeats_and_gaps_make_the_same_record(end: CallStatus) -> None:
    everything = orders(STORIES[end])
    assert len(everything) == (49 if len(STORIES[end]) == 4 else 11)
    for order in everything:
        witness = Witness(outbound())
        witness.tell(s.LegPlaced(SID))
        for status in order:
            told(witness, status)
        witness.tell(s.LegsReleased(SID))
        call = witness.call.record
        reached = end is CallStatus.COMPLETED
        assert (call.phase, call.status, call.leg_status) == (ENDED, end, end), order
        assert call.end_reason is (EndReason.CALLER_HUNG_UP if reached else EndReason.NOT_REACHED)
        assert (witness.count("call_started"), witness.count("call_ended")) == (1, 1)


@pytest.mark.parametrize("end", STORIES)
def test_an_end_is_never_overwritten_by_what_is_told_after_it(end: CallStatus) -> None:
    witness = Witness(outbound())
    later = ("initiated", "ringing", "in-progress", *map(str, STORIES))
    witness.tell(s.LegPlaced(SID))
    for status in (str(end), *later):  # the last ones while the legs are being hung up
        told(witness, status)
    witness.tell(s.LegsReleased(SID, status=CallStatus.COMPLETED))
    ended = witness.call.record
    assert ended.status is end
    for status in later:
        told(witness, status)
    assert witness.call.record == ended


def test_a_call_talked_on_is_completed_whatever_twilio_calls_its_end() -> None:
    for end in STORIES:
        witness = Witness(outbound())
        for signal in DIALLED:
            witness.tell(signal)
        told(witness, str(end))
        witness.tell(s.LegsReleased(SID, RTC))
        assert (witness.call.record.status, witness.count("call_ended")) == (CallStatus.COMPLETED, 1)


def test_a_person_who_has_picked_up_is_hung_up_if_openai_never_hears_of_it() -> None:
    seconds, _ = PATIENCE[BRIDGING]
    assert seconds == 20
    witness = Witness(outbound(reconcile_seconds=1000))
    for signal in (s.LegPlaced(SID), s.LegRang(), s.LegAnswered()):
        witness.tell(signal)
    assert witness.call.receive(s.TimePassed(), witness.now + seconds - 0.1) == []
    assert witness.call.receive(s.TimePassed(), witness.now + seconds) == [HangUp(SID, None)]
    call = witness.call.record
    assert (call.phase, call.end_reason, call.final_status) == (
        CLOSING,
        EndReason.CONNECTION_FAILED,
        CallStatus.FAILED,
    )
