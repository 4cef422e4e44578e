from typing import Any

import pytest
from pydantic import ValidationError

from services.voice_server.domain.agent import LAST_DAYS, SUCCESSORS, VOICES, Agent, UnknownVoiceError, load


def agent(**changes: Any) -> dict[str, Any]:
    """Make the content of an `agent.json`."""
    return {"name": "Ada", "instructions": "Be kind."} | changes


def test_a_name_and_instructions_are_enough() -> None:
    loaded, warnings = load(agent())
    assert (loaded.voice, loaded.model, warnings) == ("marin", "gpt-realtime-2.1", [])


def test_an_agent_as_it_was_published_still_loads_with_successors_and_two_warnings() -> None:
    loaded, warnings = load(agent(voice="nova", model="gpt-4o-realtime-preview"))
    assert (loaded.voice, loaded.model) == ("marin", "gpt-realtime-2.1")
    assert len(warnings) == 2
    assert all("nova" in text or "gpt-4o-realtime-preview" in text for text in warnings)


@pytest.mark.parametrize("name", SUCCESSORS)
def test_a_successor_needs_no_successor(name: str) -> None:
    for old, new in SUCCESSORS[name].items():
        loaded, _ = load(agent(**{name: old}))
        assert getattr(loaded, name) == new
        assert load(agent(**{name: new})) == (loaded, [])


@pytest.mark.parametrize("model", LAST_DAYS)
def test_a_model_with_a_last_day_works_until_then_and_names_the_day(model: str) -> None:
    name = "model" if model.startswith("gpt-realtime") else "transcription_model"
    loaded, (warning,) = load(agent(**{name: model}))
    day, successor = LAST_DAYS[model]
    assert getattr(loaded, name) == model
    assert day in warning
    assert successor in warning
    assert successor not in LAST_DAYS


@pytest.mark.parametrize("voice", sorted(VOICES | {"voice_abc123"}))
def test_openais_voices_and_ones_own_are_taken_as_they_are(voice: str) -> None:
    assert load(agent(voice=voice)) == (Agent(**agent(voice=voice)), [])


def test_an_unknown_voice_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownVoiceError, match=r"'beacon'.*alloy.*marin"):
        load(agent(voice="beacon"))


def test_an_unknown_key_is_named_and_ignored() -> None:
    loaded, warnings = load(agent(voise="echo", temperature=0.7))
    assert loaded == Agent(**agent())
    assert [text.split(" ")[0] for text in warnings] == ["'temperature'", "'voise'"]


@pytest.mark.parametrize(
    "document",
    [[], None, {}, agent(name=""), agent(language="Deutsch"), agent(max_call_seconds=0), agent(realtime=[])],
)
def test_what_is_no_agent_is_refused(document: Any) -> None:
    with pytest.raises(ValidationError):
        load(document)
