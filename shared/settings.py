"""Settings: from the environment or `.env`, read once, every fault in one line that says how to mend it."""

import secrets
import sys
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveInt,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared import phone
from shared.logs import LogFormat
from shared.openclaw_config import ConfigFile

OPENAI_URL = "https://api.openai.com/v1"
TWILIO_URL = "https://api.twilio.com"


def comma_separated(value: Any) -> Any:
    """Split a setting's text at its commas; what is no text is left as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def numbers(values: frozenset[str]) -> frozenset[str]:
    """Read each as E.164."""
    return frozenset(phone.parse(value) for value in values)


Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+"), AfterValidator(lambda url: url.rstrip("/"))]
CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(comma_separated)]
Numbers = Annotated[frozenset[str], NoDecode, BeforeValidator(comma_separated), AfterValidator(numbers)]
"""E.164 numbers, comma separated."""

EXAMPLES = {
    "openai_api_key": "OPENAI_API_KEY=sk-proj-…",
    "openai_project_id": "OPENAI_PROJECT_ID=proj_AbC123",
    "openai_webhook_secret": "OPENAI_WEBHOOK_SECRET=whsec_…",
    "twilio_account_sid": "TWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef",
    "twilio_auth_token": "TWILIO_AUTH_TOKEN=… (Twilio console, Account Info)",
    "twilio_phone_number": "TWILIO_PHONE_NUMBER=+14155550123",
    "public_url": "PUBLIC_URL=https://phone.example.com",
    "owner_numbers": "OWNER_NUMBERS=+14155550123,+4915112345678",
    "allowed_callers": "ALLOWED_CALLERS=+14155550123 or ALLOWED_CALLERS=*",
    "outbound_numbers": "OUTBOUND_NUMBERS=+18005550123,+447700900123",
    "max_calls_per_number_per_day": "MAX_CALLS_PER_NUMBER_PER_DAY=60",
    "max_minutes_per_day": "MAX_MINUTES_PER_DAY=2400",
    "max_dollars_per_day": "MAX_DOLLARS_PER_DAY=100",
    "trust_trunk_callers": "TRUST_TRUNK_CALLERS=true",
    "outbound_regions": "OUTBOUND_REGIONS=US,DE",
    "log_level": "LOG_LEVEL=info",
    "log_format": "LOG_FORMAT=json",
    "twilio_api_key_sid": "TWILIO_API_KEY_SID=SK0123456789abcdef0123456789abcdef",
    "openclaw_gateway_url": "OPENCLAW_GATEWAY_URL=http://127.0.0.1:18789",
    "openclaw_store": "OPENCLAW_STORE=auto",
}


class Settings(BaseSettings):
    """What both services read."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    openai_base_url: Url = OPENAI_URL
    twilio_base_url: Url = TWILIO_URL
    bridge_url: Url = "http://127.0.0.1:8082"
    voice_server_url: Url = "http://127.0.0.1:8080"
    voice_api_key: SecretStr | None = None
    bridge_api_key: SecretStr | None = None
    requests_per_minute: PositiveInt = 6000
    data_dir: Path = Path("data")
    history_days: int = Field(365, ge=0, le=36_500)
    config_dir: Path = Path("config")
    openclaw_state_dir: Path = Path("~/.openclaw")
    openclaw_agent_id: str = Field("main", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    openclaw_gateway_url: Url | None = None
    openclaw_gateway_token: SecretStr | None = None
    owner_numbers: Numbers = frozenset()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: LogFormat | None = None

    @property
    def state_dir(self) -> Path:
        """The folder of OpenClaw itself."""
        return self.openclaw_state_dir.expanduser()

    @cached_property
    def openclaw_config(self) -> ConfigFile:
        """The part of the user's `openclaw.json` that says where the gateway is."""
        return ConfigFile(self.state_dir, wanted=("gateway",))

    def find_gateway(self) -> tuple[str, str | None]:
        """Find OpenClaw's gateway and its token: as set here, else as the user's `openclaw.json` says.

        Raises:
            OpenClawConfigError: that file is needed and cannot be understood.
        """
        url, token = self.openclaw_gateway_url, self.openclaw_gateway_token
        if url and token:
            return url, token.get_secret_value()
        theirs = self.openclaw_config.read().gateway
        url = url or f"http://127.0.0.1:{theirs.port}"
        return url, token.get_secret_value() if token else theirs.auth.token or theirs.auth.password

    @model_validator(mode="after")
    def _keys_where_real_accounts_are(self) -> Self:
        if _is_peers_own(self.openai_base_url) or _is_peers_own(self.twilio_base_url):
            missing = [name for name in ("voice_api_key", "bridge_api_key") if getattr(self, name) is None]
            if missing:
                raise MissingKeysError(missing)
        return self


def _is_peers_own(url: str) -> bool:
    # In whichever region: eu.api.openai.com, api.dublin.ie1.twilio.com.
    return (urlsplit(url).hostname or "").endswith((".openai.com", ".twilio.com"))


def address(url: str) -> str:
    """Tell where a URL leads, without a password that stands in it."""
    return urlsplit(url).netloc.rpartition("@")[2]


class MissingKeysError(ValueError):
    """Keys that must be set as soon as real accounts are used."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            "\n  ".join(
                f"{name.upper()}: must be set, since real accounts are used; "
                f"e.g. {name.upper()}={secrets.token_urlsafe(32)}"
                for name in names
            )
        )


S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S]) -> S:
    """Read the settings, or refuse to start: one line per fault."""
    try:
        return settings()
    except ValidationError as error:
        refuse_to_start("\n".join(["The settings need a change:", *faults(error, settings)]))


def refuse_to_start(text: str) -> NoReturn:
    """Say on stderr what has to change, and end the process.

    The exit status is 4: the one at which gunicorn stops, too, instead of trying again for ever.
    """
    sys.stderr.write(f"{text}\n")
    raise SystemExit(4)


def faults(error: ValidationError, settings: type[BaseSettings]) -> list[str]:
    """Say for each fault which setting it is, what is wrong, and show an example."""
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        message = fault["msg"].removeprefix("Value error, ").rstrip(".")
        if not fault["loc"]:
            lines.append(f"  {message}")
            continue
        name = str(fault["loc"][0]).lower()
        problem = "is missing" if fault["type"] == "missing" else message
        lines.append(f"  {name.upper()}: {problem}; e.g. {_example(name, settings)}")
    return lines


def _example(name: str, settings: type[BaseSettings]) -> str:
    field = settings.model_fields.get(name)
    default = field.default if field else None
    return EXAMPLES.get(name) or f"{name.upper()}={'…' if default is None else default}"
