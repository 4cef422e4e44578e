"""The configuration of a Realtime session: what may be set, and what is then in force."""

import time
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.openai.errors import OpenAIRefusalError
from sandbox.switches import Switches

MODELS = (
    "gpt-realtime",
    "gpt-realtime-2025-08-28",
    "gpt-realtime-1.5",
    "gpt-realtime-2",
    "gpt-realtime-2.1",
    "gpt-realtime-2.1-mini",
    "gpt-realtime-mini",
    "gpt-realtime-mini-2025-10-06",
    "gpt-realtime-mini-2025-12-15",
)
"""The models that still answer; the 4o previews are gone."""

_DOUBTFUL = ("gpt-transcribe", "gpt-live-transcribe")

VoiceName = Literal["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Format(_Strict):
    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
    rate: Literal[24000] | None = None


class _Transcription(_Strict):
    model: Literal[
        "gpt-realtime-whisper",
        "whisper-1",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
        "gpt-4o-mini-transcribe-2025-12-15",
        "gpt-4o-transcribe-diarize",
        "gpt-transcribe",
        "gpt-live-transcribe",
    ]
    language: str | None = None
    languages: list[str] | None = None
    keywords: list[str] | None = None
    prompt: str | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class _ServerVad(_Strict):
    type: Literal["server_vad"]
    threshold: float | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None
    idle_timeout_ms: int | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


class _SemanticVad(_Strict):
    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


class _NoiseReduction(_Strict):
    type: Literal["near_field", "far_field"]
    strength: float | None = None


class _Input(_Strict):
    format: _Format | None = None
    transcription: _Transcription | None = None
    noise_reduction: _NoiseReduction | None = None
    turn_detection: Annotated[_ServerVad | _SemanticVad, Field(discriminator="type")] | None = None


class _OwnVoice(_Strict):
    id: str


class _Output(_Strict):
    format: _Format | None = None
    voice: VoiceName | _OwnVoice = "marin"
    speed: float = Field(1.0, ge=0.25, le=1.5)


class _Audio(_Strict):
    input: _Input | None = None
    output: _Output | None = None


class _FunctionTool(_Strict):
    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _McpTool(BaseModel):
    type: Literal["mcp"]
    server_label: str


class _Reasoning(_Strict):
    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class _Session(_Strict):
    type: Literal["realtime"]
    model: str | None = None
    instructions: str | None = None
    output_modalities: list[Literal["text", "audio"]] | None = Field(None, max_length=1)
    audio: _Audio | None = None
    tools: list[Annotated[_FunctionTool | _McpTool, Field(discriminator="type")]] | None = None
    tool_choice: Literal["auto", "none", "required"] | dict[str, str] | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=4096)] | Literal["inf"] | None = None
    reasoning: _Reasoning | None = None
    tracing: Literal["auto"] | dict[str, Any] | None = None
    truncation: Literal["auto", "disabled"] | dict[str, Any] | None = None
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None
    prompt: dict[str, Any] | None = None


_TAGS = {"server_vad", "semantic_vad", "function", "mcp"}


_AS_USUAL = Switches()


def check(body: Any, switches: Switches = _AS_USUAL) -> dict[str, Any]:
    """Return what a body sets, if every field of it is known and every value allowed.

    Raises:
        OpenAIRefusalError: it is not; code and parameter name the first fault.
    """
    try:
        session = _Session.model_validate(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = [str(part) for part in fault["loc"] if part not in _TAGS]
        param = ".".join(["session", *path])
        match fault["type"]:
            case "missing":
                raise OpenAIRefusalError(
                    400, "missing_required_parameter", f"Missing required parameter: '{param}'.", param
                ) from error
            case "extra_forbidden":
                raise OpenAIRefusalError(
                    400, "unknown_parameter", f"Unknown parameter: '{param}'.", param
                ) from error
            case _:
                raise OpenAIRefusalError(
                    400, "invalid_value", f"Invalid value for '{param}': {fault['msg']}.", param
                ) from error
    _check_models(session, switches)
    return session.model_dump(exclude_unset=True)


def _check_models(session: _Session, switches: Switches) -> None:
    heard = session.audio and session.audio.input and session.audio.input.transcription
    wrong = {
        "session.model": not switches.new_models and session.model not in {None, *MODELS},
        "session.audio.input.transcription.model": (
            not switches.gpt_transcribe and heard and heard.model in _DOUBTFUL
        ),
    }
    for param in (param for param, is_wrong in wrong.items() if is_wrong):
        raise OpenAIRefusalError(
            400, "invalid_value", f"Invalid value for '{param}': not a model here.", param
        )


def known_models(switches: Switches) -> list[str]:
    """List the models there are, for talking and for transcribing."""
    doubtful = () if switches.gpt_transcribe else _DOUBTFUL
    transcribing: tuple[str, ...] = get_args(_Transcription.model_fields["model"].annotation)
    return [*MODELS, *(name for name in transcribing if name not in doubtful)]


def in_force(given: dict[str, Any], session_id: str) -> dict[str, Any]:
    """Complete what `accept` set with the defaults: the whole session as `session.updated` echoes it."""
    telephone = {"type": "audio/pcmu"}
    defaults = {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": "gpt-realtime-2.1",
        "output_modalities": ["audio"],
        "instructions": "You are a helpful assistant on the telephone.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "include": None,
        "expires_at": int(time.time()) + 3600,
        "audio": {
            "input": {
                "format": telephone,
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "idle_timeout_ms": None,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": telephone, "voice": "marin", "speed": 1.0},
        },
    }
    return merged(defaults, given)


def merged(session: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Lay a change over a session; only `audio`, its `input` and its `output` are changed field by field."""
    result = session | given
    for part in ("audio", "input", "output"):
        if isinstance(given.get(part), dict) and isinstance(session.get(part), dict):
            result[part] = merged(session[part], given[part])
    return result
