"""The voice's character: `config/agent.json`, with retired names brought up to date."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

VOICES = frozenset({"alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"})

SUCCESSORS = {
    "voice": {"nova": "marin", "fable": "ballad", "onyx": "cedar"},
    "model": {
        "gpt-4o-realtime-preview": "gpt-realtime-2.1",
        "gpt-4o-realtime-preview-2024-10-01": "gpt-realtime-2.1",
        "gpt-4o-realtime-preview-2024-12-17": "gpt-realtime-2.1",
        "gpt-4o-realtime-preview-2025-06-03": "gpt-realtime-2.1",
        "gpt-4o-mini-realtime-preview": "gpt-realtime-2.1-mini",
        "gpt-4o-mini-realtime-preview-2024-12-17": "gpt-realtime-2.1-mini",
    },
}
"""Names that no longer work on a phone call, and what takes their place."""

LAST_DAYS = {
    "gpt-realtime": ("2027-01-20", "gpt-realtime-2.1"),
    "gpt-realtime-2025-08-28": ("2027-01-20", "gpt-realtime-2.1"),
    "gpt-realtime-mini": ("2027-01-20", "gpt-realtime-2.1-mini"),
    "gpt-realtime-mini-2025-10-06": ("2027-01-20", "gpt-realtime-2.1-mini"),
    "gpt-realtime-mini-2025-12-15": ("2027-01-20", "gpt-realtime-2.1-mini"),
    "whisper-1": ("2027-02-26", "gpt-realtime-whisper"),
    "gpt-4o-transcribe": ("2027-02-26", "gpt-realtime-whisper"),
    "gpt-4o-transcribe-diarize": ("2027-02-26", "gpt-realtime-whisper"),
    "gpt-4o-mini-transcribe": ("2027-02-26", "gpt-realtime-whisper"),
}
"""Models that OpenAI will shut down: when, and what to use instead."""


class Agent(BaseModel):
    """Who is speaking on the phone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = Field(min_length=1, max_length=100)
    instructions: str = Field(min_length=1, max_length=32_000)
    voice: str = "marin"
    model: str = "gpt-realtime-2.1"
    greeting: str | None = Field(None, max_length=1_000)
    language: str | None = Field(None, pattern=r"^[a-z]{2,3}$")
    transcription_model: str = "gpt-realtime-whisper"
    max_call_seconds: PositiveInt | None = None
    # Twilio speaks it before OpenAI is called, and OpenAI's answer is waited for 20 s (`PATIENCE`).
    recording_notice: str | None = Field(None, min_length=1, max_length=200)
    realtime: dict[str, Any] = {}


class UnknownVoiceError(ValueError):
    """That is not a voice of OpenAI's Realtime API."""


def load(document: Any) -> tuple[Agent, list[str]]:
    """Read an agent from its parsed JSON; also return what its owner should know.

    Raises:
        pydantic.ValidationError: it is not of that form.
        UnknownVoiceError: the voice does not exist.
    """
    agent, warnings = Agent.model_validate(document), []
    for name, successors in SUCCESSORS.items():
        old = getattr(agent, name)
        if old in successors:
            agent = agent.model_copy(update={name: successors[old]})
            warnings.append(f"{name} {old!r} does not work on calls any more; {successors[old]!r} is used")
    if agent.voice not in VOICES and not agent.voice.startswith("voice_"):
        raise UnknownVoiceError(
            f"voice {agent.voice!r} does not exist; choose one of {', '.join(sorted(VOICES))}"
        )
    for model in (agent.model, agent.transcription_model):
        if model in LAST_DAYS:
            day, successor = LAST_DAYS[model]
            warnings.append(f"model {model!r} stops working on {day}; change to {successor!r}")
    if not agent.model.startswith("gpt-realtime"):
        warnings.append(f"model {agent.model!r} is none of OpenAI's Realtime models that we know")
    unknown = set(document) - set(Agent.model_fields)
    warnings += [f"{name!r} means nothing here and is ignored" for name in sorted(unknown)]
    return agent, warnings
