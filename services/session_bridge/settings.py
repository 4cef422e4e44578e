"""The session bridge's settings."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, PrivateAttr, TypeAdapter, ValidationError, model_validator

from services.session_bridge.domain.session_key import FULL_KEY
from shared import phone
from shared.problems import explain
from shared.settings import Settings

_MAP: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])
_EXAMPLE = '{"+14155550123": "agent:main:telegram:direct:42"}'


class BridgeSettings(Settings):
    """What the session bridge reads, `CONFIG_DIR/sessions.json` included."""

    bridge_host: str = "127.0.0.1"
    bridge_port: int = Field(8082, ge=0, le=65535)
    openclaw_store: Literal["auto", "jsonl", "gateway"] = "auto"
    openclaw_gateway_timeout: float = Field(10, gt=0)
    openclaw_context_timeout: float = Field(0.25, gt=0)
    voice_server_timeout: float = Field(15, gt=0)  # it waits 10 s itself, for Twilio
    sse_ping_seconds: float = Field(15, gt=0)
    sse_send_seconds: float = Field(10, gt=0)

    _session_map: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def session_map(self) -> dict[str, str]:
        """Session keys settled by the user, by E.164 number."""
        return self._session_map

    @model_validator(mode="after")
    def _read_session_map(self) -> Self:
        self._session_map.update(read_session_map(self.config_dir / "sessions.json"))
        return self


def read_session_map(path: Path) -> dict[str, str]:
    """Read which number has which session key; nothing if there is no such file.

    Raises:
        ValueError: it is of another form; the text names the file, the fault and an example.
    """
    try:
        keys = {phone.parse(number): key for number, key in _MAP.validate_json(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        raise ValueError(f"{path}: {explain(error)}; e.g. {_EXAMPLE}") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}; e.g. {_EXAMPLE}") from error
    for key in keys.values():
        if not FULL_KEY.fullmatch(key):
            raise ValueError(f"{path}: {key!r} is not a full session key; e.g. {_EXAMPLE}")
    return keys
