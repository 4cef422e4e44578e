"""What a call has used and what that costs: counted once, priced once, and honest about what is missing."""

from typing import Any

import pytest

from services.voice_server.domain import signals as s
from services.voice_server.domain.call import Call
from services.voice_server.domain.cost import Prices
from services.voice_server.domain.record import CallRecord, Phase
from shared.events import EndedData, Speaker, Usage
from tests.voice_server.domain.records import START, record
from tests.voice_server.domain.signals import JOINED
from tests.voice_server.domain.telling import events, response, told
from tests.voice_server.price_list import PRICES

USED = Usage(output_audio_tokens=1_000_000)
DEARER = PRICES.model_copy(update={"usd_per_million_tokens": {}})
OVER = [s.SidebandClosed(), s.LegsReleased()]


def joined(**changes: Any) -> Call:
    call = Call(record(**changes), prices=PRICES)
    told(call, *JOINED)
    return call


def reloaded(call: Call, prices: Prices = PRICES) -> Call:
    kept = CallRecord.model_validate_json(call.record.model_dump_json())
    return Call(kept, prices=prices)


def test_the_cost_is_known_while_the_call_runs_and_told_when_it_ends() -> None:
    call = joined()
    assert call.record.cost_usd == 0
    told(call, *response("r1", usage=USED))
    assert call.record.cost_usd == 64.0
    (ended,) = events(told(call, *OVER))
    assert isinstance(ended.data, EndedData)
    assert (ended.data.cost_usd, ended.data.usage) == (64.0, USED)
    assert call.record.usage_complete


def test_a_response_told_of_twice_is_counted_once() -> None:
    call = joined()
    told(call, *response("r1", usage=USED), *response("r1", usage=USED))
    assert call.record.usage == USED


def test_a_restart_neither_loses_nor_doubles_what_was_used() -> None:
    before = joined()
    told(before, *response("r1", usage=USED))
    call = reloaded(before)
    call.resume(START + 1)
    told(call, s.SidebandAttached(), *response("r2", usage=USED), at=START + 2)
    assert call.record.usage == USED + USED
    assert call.record.cost_usd == 128.0


def test_what_a_call_has_cost_is_not_reckoned_anew_at_later_prices() -> None:
    before = joined()
    told(before, *response("r1", usage=USED), *OVER)
    call = reloaded(before, DEARER)
    call.resume(START + 1)
    told(call, s.ToolAnswered("t1", ok=True, output=""), at=START + 2)
    assert call.record.cost_usd == 64.0
    assert call.record.usage_complete


def test_of_a_model_without_a_price_the_tokens_are_counted_all_the_same() -> None:
    call = joined(model="gpt-realtime-9")
    told(call, *response("r1", usage=USED), *OVER)
    assert (call.record.usage, call.record.cost_usd) == (USED, None)


@pytest.mark.parametrize(
    "missing",
    [
        [s.ResponseStarted("r2", None)],
        [s.ItemAdded("i1", None, Speaker.CALLER)],
        [s.SidebandLost(), s.SidebandAttached()],
    ],
    ids=["a response", "a transcription", "whatever there was in a gap"],
)
def test_an_account_that_may_lack_something_says_so(missing: list[s.Signal]) -> None:
    call = joined()
    told(call, *response("r1", usage=USED), *missing, *OVER)
    assert not call.record.usage_complete
    assert call.record.cost_usd == 64.0


def test_a_gap_that_was_the_end_of_the_call_hides_nothing() -> None:
    call = joined()
    told(call, *response("r1", usage=USED), s.SidebandLost())
    told(call, s.JoinFailed(gone=True), s.LegsReleased(), at=START + 5)
    assert call.record.usage_complete


def test_a_call_that_went_on_unheard_may_have_used_more() -> None:
    call = joined()
    told(call, *response("r1", usage=USED), s.SidebandLost())
    told(call, s.JoinFailed(gone=False), s.LegsReleased(), at=START + 5)
    assert not call.record.usage_complete


def test_an_account_that_came_late_is_complete() -> None:
    call = joined()
    transcribed = s.CallerTranscribed("i1", "Hello", Usage(transcription_seconds=1))
    told(call, s.ItemAdded("i1", None, Speaker.CALLER), s.ResponseStarted("r1", None))
    told(call, transcribed, s.ResponseEnded("r1", (), USED), *OVER)
    assert call.record.usage_complete


def test_a_restart_before_anything_was_said_misses_nothing() -> None:
    call = reloaded(Call(record(Phase.BRIDGING, call_sid="CA1"), prices=PRICES))
    call.resume(START + 1)
    told(call, *JOINED, *OVER, at=START + 2)
    assert call.record.usage_complete
    assert call.record.cost_usd == 0


def test_a_restart_while_the_last_words_were_awaited_may_have_missed_the_last_account() -> None:
    before = joined()
    told(before, *response("r1", usage=USED), s.SidebandClosed())
    call = reloaded(before)
    call.resume(START + 1)
    told(call, s.LegsReleased(), at=START + 2)
    assert not call.record.usage_complete
