from typing import Any

import pytest

from sandbox.openai import session_config
from sandbox.openai.errors import OpenAIRefusalError
from sandbox.switches import Switches
from tests.sandbox.voice_server import SESSION


def test_a_full_session_is_taken_as_it_is() -> None:
    assert session_config.check(SESSION) == SESSION


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        (None, "invalid_value", "session"),
        ({"audio": {"output": {"voice": "nova"}}}, "invalid_value", "session.audio.output.voice"),
        ({"audio": {"input": {"vad": 1}}}, "unknown_parameter", "session.audio.input.vad"),
        (
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "very"}}}},
            "invalid_value",
            "session.audio.input.turn_detection.eagerness",
        ),
        ({"model": "gpt-realtime-9"}, "invalid_value", "session.model"),
        ({"max_output_tokens": 5000}, "invalid_value", "session.max_output_tokens"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
    ],
)
def test_the_first_fault_is_named(session: Any, code: str, param: str) -> None:
    with pytest.raises(OpenAIRefusalError) as refused:
        session_config.check(session and {"type": "realtime", **session})
    assert refused.value.code == code
    assert (refused.value.param or "").startswith(param)


def test_whether_a_model_that_is_unknown_here_is_taken_is_a_switch() -> None:
    session = {"type": "realtime", "model": "gpt-realtime-9"}
    assert session_config.check(session, Switches(new_models=True)) == session


def test_whether_gpt_transcribe_may_transcribe_a_call_is_a_switch() -> None:
    heard = {"transcription": {"model": "gpt-transcribe"}}
    session = {"type": "realtime", "audio": {"input": heard}}
    assert session_config.check(session) == session
    with pytest.raises(OpenAIRefusalError) as refused:
        session_config.check(session, Switches(gpt_transcribe=False))
    assert refused.value.param == "session.audio.input.transcription.model"


def test_a_voice_of_ones_own_is_allowed() -> None:
    session_config.check({"type": "realtime", "audio": {"output": {"voice": {"id": "voice_1"}}}})


def test_what_is_not_set_has_its_default_in_force() -> None:
    session = session_config.in_force({"type": "realtime", "instructions": "Be brief."}, "sess_1")
    assert session["instructions"] == "Be brief."
    assert session["audio"]["output"]["voice"] == "marin"
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"


def test_a_change_replaces_turn_detection_as_a_whole() -> None:
    session = session_config.in_force({"type": "realtime"}, "sess_1")
    changed = session_config.merged(
        session, {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}
    )
    assert changed["audio"]["input"]["turn_detection"] == {"type": "semantic_vad"}
    assert changed["audio"]["output"] == session["audio"]["output"]
