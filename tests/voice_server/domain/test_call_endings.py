"""Whatever ends a call, in whatever order and however often it is told, it ends once."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.voice_server.domain import signals as s
from services.voice_server.domain.record import CallRecord
from services.voice_server.domain.transitions import CLOSING, ENDED
from shared.events import CallStatus, EndReason
from tests.voice_server.domain.records import outbound
from tests.voice_server.domain.signals import DIALLED, RTC, SID
from tests.voice_server.domain.witness import Witness

ENDINGS: dict[str, s.Signal] = {
    "the sideband is closed": s.SidebandClosed(),
    "the session has expired": s.SidebandClosed(expired=True),
    "the sideband breaks": s.SidebandLost(),
    "there is no call to attach to": s.JoinFailed(gone=True),
    "the sideband cannot be attached": s.JoinFailed(gone=False),
    "Twilio tells of the end": s.LegEnded(CallStatus.COMPLETED),
    "we hang up": s.HangUpRequested(EndReason.HUNG_UP_BY_REQUEST),
    "the server stops": s.HangUpRequested(EndReason.SERVER_STOPPED),
    "the legs are gone": s.LegsReleased(SID, RTC, CallStatus.COMPLETED),
}
ENOUGH_ALONE = set(ENDINGS) - {
    "the sideband breaks",
    "the legs are gone",
    *(n for n in ENDINGS if "attach" in n),
}
"""The endings that end a conversation with nothing else before them."""

TOO_LONG = 4000.0
PAUSES = st.sampled_from([0.0, 0.0, 0.0, 1.0, 30.0, TOO_LONG])


def outcome(record: CallRecord) -> tuple[Any, ...]:
    return record.status, record.end_reason, record.ended_at, record.duration_seconds(0)


@settings(deadline=None)
@given(
    order=st.permutations(sorted(ENDINGS)),
    repeats=st.lists(st.sampled_from(sorted(ENDINGS)), max_size=5),
    data=st.data(),
)
def test_in_whatever_order_its_endings_are_told_a_call_ends_once_and_stays_as_it_ended(
    order: list[str], repeats: list[str], data: st.DataObject
) -> None:
    witness = Witness(outbound())
    for signal in DIALLED:
        witness.tell(signal)
    closed_for: EndReason | None = None
    ended: tuple[Any, ...] | None = None
    for name in [*order, *repeats]:
        witness.tell(ENDINGS[name], data.draw(PAUSES))
        record = witness.call.record
        if record.phase in {CLOSING, ENDED}:
            closed_for = closed_for or record.end_reason
            assert record.end_reason is closed_for
        if record.phase is ENDED:
            ended = ended or outcome(record)
            assert outcome(record) == ended
    witness.tell(ENDINGS["the legs are gone"])
    assert witness.call.record.phase is ENDED
    assert witness.count("call_ended") == 1


@pytest.mark.parametrize("name", sorted(ENOUGH_ALONE))
def test_each_ending_is_enough_to_hang_up_whatever_is_left(name: str) -> None:
    witness = Witness(outbound())
    for signal in DIALLED:
        witness.tell(signal)
    witness.tell(ENDINGS[name])
    assert witness.call.record.phase is CLOSING
    assert witness.hung_up
    witness.tell(ENDINGS["the legs are gone"])
    assert witness.count("call_ended") == 1
