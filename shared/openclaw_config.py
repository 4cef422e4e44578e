"""The user's own `openclaw.json`: what we need to know of it, read anew when asked."""

from pathlib import Path
from typing import Annotated, Any, Literal

import json5
import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

DmScope = Literal["main", "per-peer", "per-channel-peer", "per-account-channel-peer"]


class OpenClawConfigError(Exception):
    """OpenClaw's configuration file cannot be read."""


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="ignore", frozen=True)


def _in_clear(value: Any) -> Any:
    # OpenClaw also takes references here, to a variable or a store of secrets, which only it can follow.
    return value if isinstance(value, str) and not value.startswith("${") else None


Secret = Annotated[str | None, BeforeValidator(_in_clear)]


class Auth(_Part):
    """How the gateway knows its clients."""

    token: Secret = None
    password: Secret = None


class Gateway(_Part):
    """Where OpenClaw's gateway listens."""

    port: int = 18789
    auth: Auth = Auth()


class Reset(_Part):
    """When OpenClaw begins a conversation anew: each day at a local hour, or after a silence."""

    mode: Literal["daily", "idle"] = "daily"
    at_hour: int = Field(4, ge=0, le=23)
    idle_minutes: float | None = None


class SessionRules(_Part):
    """How OpenClaw maps people to conversations, and how long one lasts."""

    dm_scope: DmScope = "main"
    identity_links: dict[str, list[str]] = {}
    main_key: str = "main"
    reset: Reset | None = None
    reset_by_type: dict[str, Reset] = {}
    idle_minutes: float | None = None


class OpenClawConfig(_Part):
    """The parts of `openclaw.json` that matter to a phone."""

    gateway: Gateway = Gateway()
    session: SessionRules = SessionRules()
    meta: dict[str, Any] = {}


def read(state_dir: Path) -> OpenClawConfig:
    """Read `openclaw.json` (JSON5) of a state folder; all defaults when there is none.

    Raises:
        OpenClawConfigError: it is there but cannot be understood.
    """
    path = state_dir / "openclaw.json"
    try:
        return OpenClawConfig.model_validate(_parsed(path.read_bytes()))
    except FileNotFoundError:
        return OpenClawConfig()
    except ValidationError as error:
        # Where, but not what stands there: it may be a secret.
        places = (".".join(map(str, fault["loc"])) or "all of it" for fault in error.errors())
        raise OpenClawConfigError(f"{path}: not as OpenClaw documents it: {', '.join(places)}") from error
    except (OSError, ValueError) as error:
        raise OpenClawConfigError(f"{path}: {error}") from error


def _parsed(content: bytes) -> Any:
    # Most files are plain JSON, which is read a thousand times faster.
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return json5.loads(content.decode())
