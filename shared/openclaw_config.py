"""The user's own `openclaw.json`: what we need to know of it, read anew when asked."""

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from shared import openclaw_includes
from shared.file_version import Version, version

DmScope = Literal["main", "per-peer", "per-channel-peer", "per-account-channel-peer"]

_REFERENCE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}")


class OpenClawConfigError(Exception):
    """OpenClaw's configuration file cannot be read."""


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="ignore", frozen=True)


def _in_clear(value: Any) -> Any:
    # OpenClaw also takes references here, to a variable or a store of secrets, which only it can follow.
    return value if isinstance(value, str) and not _REFERENCE.search(value) else None


Secret = Annotated[str | None, BeforeValidator(_in_clear)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Auth(_Part):
    """How the gateway knows its clients."""

    token: Secret = None
    password: Secret = None


class Gateway(_Part):
    """Where OpenClaw's gateway listens."""

    port: int = 18789
    auth: Auth = Auth()


class Reset(_Part):
    """When OpenClaw begins a conversation anew: each day at a local hour, after a silence, or both.

    What is not set is up to the next wider rule. Releases differ in the modes they know.
    """

    mode: str | None = None
    at_hour: Finite | None = None
    idle_minutes: Finite | None = None


class SessionRules(_Part):
    """How OpenClaw maps people to conversations, and how long one lasts."""

    dm_scope: DmScope = "main"
    identity_links: dict[str, list[str]] = {}
    main_key: str = "main"
    reset: Reset | None = None
    reset_by_type: dict[str, Reset] | None = None
    reset_by_channel: dict[str, Reset] = {}
    idle_minutes: Finite | None = None
    store: str | None = None


class OpenClawConfig(_Part):
    """The parts of `openclaw.json` that matter to a phone."""

    gateway: Gateway = Gateway()
    session: SessionRules = SessionRules()
    meta: dict[str, Any] = {}


class ConfigFile:
    """The user's configuration; parsed again only when one of its files has changed.

    JSON5 of some KB takes a tenth of a second to read. It may be read in several threads at once.

    Args:
        state_dir: whose `openclaw.json`.
        wanted: the sections that are needed.
    """

    def __init__(self, state_dir: Path, wanted: Collection[str] = tuple(OpenClawConfig.model_fields)) -> None:
        self._state_dir = state_dir
        self._wanted = wanted
        self._known: tuple[dict[Path, Version], OpenClawConfig] | None = None

    def read(self) -> OpenClawConfig:
        """Tell what it says now.

        Raises:
            OpenClawConfigError: it is there but cannot be understood.
        """
        known = self._known
        if known is None or any(version(path) != seen for path, seen in known[0].items()):
            files: dict[Path, Version] = {}
            # Looked at before it is read: what is written meanwhile counts as a change.
            config = read(self._state_dir, lambda path: files.setdefault(path, version(path)), self._wanted)
            known = self._known = files, config
        return known[1]


def read(
    state_dir: Path,
    opening: Callable[[Path], object] = lambda _: None,
    wanted: Collection[str] = OpenClawConfig.model_fields,
) -> OpenClawConfig:
    """Read `openclaw.json` (JSON5) of a state folder and what it includes; all defaults when there is none.

    `opening` is told each file just before it is read. Of sections that are not wanted nothing is read.

    Raises:
        OpenClawConfigError: it is there but cannot be understood.
    """
    path = state_dir / "openclaw.json"
    reader = openclaw_includes.Reader(wanted, opening)
    try:
        content = reader.read(path)
        if places := ", ".join(_referring(content)):
            raise OpenClawConfigError(
                f"{path}: {places} refers to an environment variable, which OpenClaw has and we do not: "
                "write the value itself there"
            )
        return OpenClawConfig.model_validate(content)
    except FileNotFoundError:
        return OpenClawConfig()
    except ValidationError as error:
        # Where, but not what stands there: it may be a secret.
        places = ", ".join(".".join(map(str, fault["loc"])) or "all of it" for fault in error.errors())
        raise OpenClawConfigError(f"{path}: not as OpenClaw documents it: {places}") from error
    except openclaw_includes.IncludeError as error:
        raise OpenClawConfigError(str(error)) from error
    except (OSError, ValueError) as error:
        raise OpenClawConfigError(f"{path}: {error}") from error


def _referring(content: Any) -> Iterator[str]:
    """Name the rules of `session` in which a value refers to a variable of OpenClaw's environment."""
    rules = content.get("session") if isinstance(content, dict) else None
    for name, rule in rules.items() if isinstance(rules, dict) else ():
        if _refers(rule):
            yield f"session.{name}"


def _refers(value: Any) -> bool:
    if isinstance(value, str):
        return _REFERENCE.search(value) is not None
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_refers, parts))
