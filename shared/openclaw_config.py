"""The user's own `openclaw.json`: what we need to know of it, read anew when asked."""

from pathlib import Path
from typing import Any, Literal

import json5
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

DmScope = Literal["main", "per-peer", "per-channel-peer", "per-account-channel-peer"]


class OpenClawConfigError(Exception):
    """OpenClaw's configuration file cannot be read."""


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="ignore", frozen=True)


class Auth(_Part):
    """How the gateway knows its clients."""

    token: str | None = None
    password: str | None = None


class Gateway(_Part):
    """Where OpenClaw's gateway listens."""

    port: int = 18789
    auth: Auth = Auth()


class Reset(_Part):
    """When OpenClaw begins a conversation anew: each day at a local hour, or after a silence."""

    mode: Literal["daily", "idle"] = "daily"
    at_hour: int = 4
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
        return OpenClawConfig.model_validate(json5.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return OpenClawConfig()
    except ValidationError as error:
        # Where, but not what stands there: it may be a secret.
        places = (".".join(map(str, fault["loc"])) or "all of it" for fault in error.errors())
        raise OpenClawConfigError(f"{path}: not as OpenClaw documents it: {', '.join(places)}") from error
    except (OSError, ValueError) as error:
        raise OpenClawConfigError(f"{path}: {error}") from error
