import pytest
from pydantic import ValidationError

from services.voice_server.domain.agent import LAST_DAYS, SUCCESSORS, Agent
from services.voice_server.domain.cost import NO_PRICES, Prices
from shared.events import Usage
from tests.voice_server.price_list import PRICES

WHISPER = "gpt-realtime-whisper"
MILLION = 1_000_000


@pytest.mark.parametrize(
    ("usage", "large", "mini"),
    [
        (Usage(input_text_tokens=MILLION), 4.0, 0.60),
        (Usage(input_text_tokens=MILLION, cached_text_tokens=MILLION), 0.40, 0.06),
        (Usage(output_text_tokens=MILLION), 24.0, 2.40),
        (Usage(input_audio_tokens=MILLION), 32.0, 10.0),
        (Usage(input_audio_tokens=MILLION, cached_audio_tokens=MILLION), 0.40, 0.30),
        (Usage(output_audio_tokens=MILLION), 64.0, 20.0),
        (Usage(input_audio_tokens=MILLION, cached_audio_tokens=MILLION // 2), 16.2, 5.15),
        (Usage(transcription_seconds=3600), 1.02, 1.02),
        (Usage(), 0.0, 0.0),
    ],
)
def test_each_kind_of_token_has_its_price(usage: Usage, large: float, mini: float) -> None:
    assert PRICES.cost_usd("gpt-realtime-2.1", WHISPER, usage) == pytest.approx(large)
    assert PRICES.cost_usd("gpt-realtime-2.1-mini", WHISPER, usage) == pytest.approx(mini)


def spoken(*, cached: bool) -> Usage:
    """Count 15 exchanges of 8 s of the caller's and 12 s of the assistant's, behind 1,500 tokens of text.

    The caller makes 10 tokens a second and the assistant 20; each response reads all that was before it.
    """
    turns, heard, said, text = 15, 80, 240, 1500
    read = sum(turn * (heard + said) + heard for turn in range(turns))
    new = turns * heard + (turns - 1) * said
    return Usage(
        input_text_tokens=turns * text,
        cached_text_tokens=(turns - 1) * text if cached else 0,
        input_audio_tokens=read,
        cached_audio_tokens=read - new if cached else 0,
        output_audio_tokens=turns * said,
    )


@pytest.mark.parametrize(
    ("model", "cached", "dollars"),
    [
        ("gpt-realtime-2.1", True, 0.43),
        ("gpt-realtime-2.1", False, 1.48),
        ("gpt-realtime-2.1-mini", True, 0.13),
        ("gpt-realtime-2.1-mini", False, 0.44),
    ],
)
def test_the_worked_example_comes_out(model: str, cached: bool, dollars: float) -> None:
    # The example leaves open how much text the model writes beside its speech; that is the rest.
    assert PRICES.cost_usd(model, WHISPER, spoken(cached=cached)) == pytest.approx(dollars, rel=0.07)


@pytest.mark.parametrize(
    ("model", "transcription"), [("gpt-realtime-9", WHISPER), ("gpt-realtime-2.1", "new")]
)
def test_what_an_unknown_model_costs_is_unknown(model: str, transcription: str) -> None:
    assert PRICES.cost_usd(model, transcription, Usage(transcription_seconds=1)) is None


def test_a_transcription_that_was_not_used_costs_nothing_whatever_its_price() -> None:
    assert PRICES.cost_usd("gpt-realtime-2.1", "new", Usage(input_text_tokens=MILLION)) == 4.0


def test_the_models_an_agent_may_end_up_with_have_a_price() -> None:
    agent = Agent(name="Ada", instructions="Be kind.")
    assert {agent.model, *SUCCESSORS["model"].values()} <= set(PRICES.usd_per_million_tokens)
    named = {successor for _, successor in LAST_DAYS.values()}
    assert named <= set(PRICES.usd_per_million_tokens) | set(PRICES.usd_per_transcribed_minute)
    assert agent.transcription_model in PRICES.usd_per_transcribed_minute


def test_a_dated_snapshot_costs_what_its_model_does() -> None:
    usage = Usage(input_text_tokens=MILLION, transcription_seconds=60)
    assert PRICES.cost_usd("gpt-realtime-2025-08-28", "gpt-4o-transcribe-2026-01-01", usage) == 4.006


def test_no_more_is_cached_than_was_read() -> None:
    usage = Usage(input_text_tokens=MILLION, cached_text_tokens=2 * MILLION, cached_audio_tokens=5)
    assert PRICES.cost_usd("gpt-realtime-2.1", WHISPER, usage) == 0.4


def test_without_a_price_list_no_cost_is_known() -> None:
    assert NO_PRICES.cost_usd("gpt-realtime-2.1", WHISPER, Usage()) is None


@pytest.mark.parametrize("price", [-1, float("inf"), float("nan"), "4 dollars"])
def test_a_price_is_a_finite_amount(price: float | str) -> None:
    document = PRICES.model_dump()
    document["usd_per_transcribed_minute"]["whisper-1"] = price
    with pytest.raises(ValidationError):
        Prices.model_validate(document)
