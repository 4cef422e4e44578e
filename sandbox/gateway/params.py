"""What each method of the gateway takes, and how it words what it does not take."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from sandbox.gateway.errors import invalid

_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
_NonEmpty = Annotated[str, Field(min_length=1)]

_CLIENTS = Literal[
    "webchat-ui", "openclaw-control-ui", "openclaw-browser-copilot", "openclaw-tui", "webchat", "cli",
    "gateway-client", "openclaw-macos", "openclaw-linux", "openclaw-ios", "openclaw-watchos",
    "openclaw-android", "node-host", "openclaw-worker", "test", "fingerprint", "openclaw-probe",
]  # fmt: skip
_MODES = Literal["webchat", "cli", "ui", "backend", "node", "worker", "probe", "test"]


class Params(BaseModel):
    """Unknown properties are refused, as by every method."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Loose(Params):
    """Unknown properties are none of the stand-in's business."""

    model_config = ConfigDict(extra="ignore")


class Client(Loose):
    """Who connects."""

    id: _CLIENTS
    version: _NonEmpty
    platform: _NonEmpty
    mode: _MODES


class Auth(Loose):
    """The shared secret; it does not matter in which field it comes."""

    token: str | None = None
    password: str | None = None


class Connect(Loose):
    """The handshake."""

    min_protocol: Annotated[int, Field(ge=1)]
    max_protocol: Annotated[int, Field(ge=1)]
    client: Client
    role: str = "operator"
    scopes: list[str] = []
    auth: Auth = Auth()


class ChatHistory(Params):
    """The newest rows, or those around one."""

    session_key: _NonEmpty
    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    offset: Annotated[int, Field(ge=0)] | None = None
    message_id: _NonEmpty | None = None
    session_id: _NonEmpty | None = None
    max_chars: Annotated[int, Field(ge=1, le=500_000)] = 8000


class ChatMessage(Params):
    """One row."""

    session_key: _NonEmpty
    message_id: _NonEmpty


class TalkCreate(Params):
    """A voice session to be opened."""

    session_key: _NonEmpty = "main"
    voice_session_id: _Id | None = None
    provider: str | None = None
    model: str | None = None
    transport: Literal["webrtc", "provider-websocket", "gateway-relay", "managed-room"] | None = None
    voice: str | None = None
    mode: Literal["realtime", "stt-tts", "transcription"] | None = None
    capabilities: list[str] = []


class TalkTranscript(Params):
    """One thing that was said."""

    session_key: _NonEmpty
    voice_session_id: _Id
    entry_id: _Id
    role: Literal["user", "assistant"]
    text: _NonEmpty
    timestamp: float | None = None


class TalkClose(Params):
    """A voice session to be closed."""

    session_key: _NonEmpty
    voice_session_id: _Id


class SessionsPatch(Params):
    """What is to be changed about an OpenClaw session."""

    key: _NonEmpty
    label: Annotated[str, Field(min_length=1, max_length=512)] | None = None


class SessionsList(Loose):
    """Which OpenClaw sessions to list."""

    limit: Annotated[int, Field(ge=1)] = 100
    search: str = ""


class SessionsReset(Params):
    """The conversation to begin anew."""

    key: _NonEmpty


class ChatSend(Loose):
    """What somebody types."""

    session_key: _NonEmpty
    message: str
    idempotency_key: _NonEmpty


class Send(Params):
    """A message for a person in a chat."""

    to: _NonEmpty
    message: str | None = None
    channel: str | None = None
    account_id: str | None = None
    thread_id: str | None = None
    agent_id: str | None = None
    session_key: str | None = None
    idempotency_key: _NonEmpty


class MessagesSubscribe(Params):
    """Whose rows to be told of."""

    key: _NonEmpty


class Nothing(Loose):
    """Nothing in particular."""


_P = TypeVar("_P", bound=Params)

_WORDS = {
    "missing": "must have required property '{name}'",
    "extra_forbidden": "unexpected property '{name}'",
    "string_pattern_mismatch": 'must match pattern "{pattern}"',
    "string_too_short": "must not have fewer than {min_length} characters",
    "less_than_equal": "must be <= {le}",
    "greater_than_equal": "must be >= {ge}",
    "literal_error": "must be equal to one of the allowed values",
    "literal_error of role": "must be equal to constant; at /role: must match a schema in anyOf",
    "int_type": "must be integer",
    "float_type": "must be number",
    "string_type": "must be string",
}
_ABOUT_THE_WHOLE = ("missing", "extra_forbidden")


def read(model: type[_P], method: str, given: Any) -> _P:
    """Read the params of a method.

    Raises:
        WireError: they are not what the method takes; worded as the gateway does.
    """
    try:
        return model.model_validate(given if isinstance(given, dict) else {})
    except ValidationError as error:
        raise invalid(f"invalid {method} params: {_worded(error)}") from error


def _worded(error: ValidationError) -> str:
    faults = error.errors()
    missing = [fault for fault in faults if fault["type"] == "missing"][:1]
    unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
    others = [fault for fault in faults if fault["type"] not in _ABOUT_THE_WHOLE]
    return "; ".join(_one(fault) for fault in (*missing, *unknown, *others))


def _one(fault: Any) -> str:
    *parents, name = (str(part) for part in fault["loc"])
    kind = fault["type"]
    words = _WORDS.get(f"{kind} of {name}") or _WORDS.get(kind, "is wrong")
    wrong = words.format(name=name, **fault.get("ctx", {}))
    path = parents if kind in _ABOUT_THE_WHOLE else [*parents, name]
    if path:
        return f"at /{'/'.join(path)}: {wrong}"
    return wrong if kind == "missing" else f"at root: {wrong}"
