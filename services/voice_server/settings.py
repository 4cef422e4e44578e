"""The voice server's settings, and the agent it speaks for."""

import base64
import binascii
import json
import os
from typing import Annotated, Self
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
from pydantic_settings import NoDecode

from services.voice_server.domain import agent
from services.voice_server.domain.agent import Agent, UnknownVoiceError
from services.voice_server.domain.cost import Prices
from services.voice_server.domain.opening import MAX_SECONDS
from services.voice_server.domain.policy import EVERYBODY, Calls
from services.voice_server.domain.quotas import Caps
from services.voice_server.domain.recording import RecordCalls
from shared import phone
from shared.problems import explain
from shared.settings import TWILIO_URL, CommaSeparated, Numbers, Settings, Url, comma_separated, numbers

_MINUTES_PER_LINE, _DOLLARS_PER_LINE = 240, 10
"""What a day may bring where the owner has not said: four hours on each line that may be taken at once."""

_AGENT_EXAMPLE = '{"name": "Ada", "instructions": "You are a warm assistant.", "voice": "marin"}'


class AgentFileError(Exception):
    """`agent.json` cannot be used; the text says why."""


class PricesFileError(Exception):
    """`prices.json` cannot be used; the text says why."""


def _webhook_secret(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for secret in secrets:
        value = secret.get_secret_value()
        try:
            if not value.startswith("whsec_") or not base64.b64decode(value[6:], validate=True):
                raise ValueError("it must begin with whsec_ and go on in base64, as OpenAI showed it")
        except binascii.Error as error:
            raise ValueError("what follows whsec_ is not base64; copy it again from OpenAI") from error
    return secrets


def _public_url(url: str) -> str:
    if any(sign in url for sign in "?#@"):
        raise ValueError("must be an address alone, without ?, # or a password")
    if "_" in (urlsplit(url).hostname or ""):
        raise ValueError("Twilio takes no address whose host has an underscore in its name")
    return url


def _regions(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value.upper() not in phone.REGIONS:
            raise ValueError(f"{value} is not a country's two letters")
    return values


SomeSecrets = Annotated[
    tuple[SecretStr, ...], NoDecode, BeforeValidator(comma_separated), AfterValidator(_webhook_secret)
]
WebhookSecrets = Annotated[SomeSecrets, Field(min_length=1)]
Callers = Annotated[
    frozenset[str],
    NoDecode,
    BeforeValidator(comma_separated),
    AfterValidator(lambda values: values if values == {EVERYBODY} else numbers(values)),
]
"""E.164 numbers, comma separated, or `*`."""
E164 = Annotated[str, AfterValidator(phone.parse)]


class VoiceSettings(Settings):
    """What the voice server reads. See `.env.example` for each setting's meaning."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: Annotated[Url, AfterValidator(_public_url)]
    openai_api_key: SecretStr
    openai_project_id: str = Field(pattern=r"^proj_[A-Za-z0-9_-]+$")
    openai_webhook_secret: WebhookSecrets
    twilio_account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    twilio_auth_token: SecretStr
    twilio_api_key_sid: str | None = Field(None, pattern=r"^SK[0-9a-fA-F]{32}$")
    twilio_api_key_secret: SecretStr | None = None
    twilio_phone_number: E164
    sip_host: str = "sip.api.openai.com"
    openclaw_timeout: float = Field(30, gt=0, le=600)
    calls: Calls = Calls.ON
    allowed_callers: Callers = frozenset()
    trust_trunk_callers: bool = True
    outbound_regions: Annotated[CommaSeparated, AfterValidator(_regions)] = ()
    outbound_numbers: Numbers = frozenset()
    max_concurrent_calls: PositiveInt = 10
    max_calls_per_hour: PositiveInt = 60
    max_calls_per_number_per_day: PositiveInt | None = None
    max_minutes_per_day: PositiveInt | None = None
    max_dollars_per_day: float | None = Field(None, gt=0, allow_inf_nan=False)
    max_call_seconds: PositiveInt = Field(1800, le=MAX_SECONDS)
    record_calls: RecordCalls = RecordCalls.OFF
    silence_seconds: PositiveInt = 60
    reconcile_seconds: PositiveInt = 60
    drain_seconds: int = Field(20, ge=0)

    @property
    def regions(self) -> frozenset[str]:
        """The ISO regions that may be dialled: those set, or that of our own number."""
        own = phone.region(self.twilio_phone_number)
        return frozenset(region.upper() for region in self.outbound_regions or (own or "",))

    @property
    def twilio_login(self) -> tuple[str, str]:
        """Name and secret by which we ask Twilio: an API key's if there is one, else the account's own."""
        if self.twilio_api_key_sid and self.twilio_api_key_secret:
            return self.twilio_api_key_sid, self.twilio_api_key_secret.get_secret_value()
        return self.twilio_account_sid, self.twilio_auth_token.get_secret_value()

    @property
    def agent_environment(self) -> dict[str, str]:
        """What the command `openclaw` gets: our environment without the phone's secrets.

        OpenAI's key stays: the user's agent may live on it.
        """
        fields = VoiceSettings.model_fields.items()
        secrets = {name for name, field in fields if "Secret" in str(field)} - {"openai_api_key"}
        inherited = os.environ.items()  # noqa: TID251 - a child gets what we got
        kept = {name: value for name, value in inherited if name.lower() not in secrets}
        return kept | {"OPENCLAW_STATE_DIR": str(self.state_dir)}

    @property
    def caps(self) -> Caps:
        """How much may be dialled, talked and spent; what is not set follows from what is."""
        return Caps(
            calls_per_hour=self.max_calls_per_hour,
            calls_per_number_per_day=self.max_calls_per_number_per_day or self.max_calls_per_hour,
            minutes_per_day=self.max_minutes_per_day or _MINUTES_PER_LINE * self.max_concurrent_calls,
            dollars_per_day=self.max_dollars_per_day or _DOLLARS_PER_LINE * self.max_concurrent_calls,
        )

    @model_validator(mode="after")
    def _reachable_by_twilio(self) -> Self:
        if self.twilio_base_url == TWILIO_URL and not self.public_url.startswith("https://"):
            raise ValueError(
                "PUBLIC_URL: Twilio and OpenAI need https; e.g. PUBLIC_URL=https://phone.example.com"
            )
        if (self.twilio_api_key_sid is None) != (self.twilio_api_key_secret is None):
            raise ValueError("TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET: set both or neither")
        return self

    def load_agent(self) -> tuple[Agent, list[str]]:
        """Read `agent.json` of the configuration folder; also return what its owner should know.

        Raises:
            AgentFileError: it is missing or cannot be used.
        """
        path = self.config_dir / "agent.json"
        try:
            return agent.load(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise AgentFileError(
                f"{path}: is missing; copy config/agent.json of the project there"
            ) from error
        except ValidationError as error:
            raise AgentFileError(f"{path}: {explain(error)}; e.g. {_AGENT_EXAMPLE}") from error
        except (OSError, ValueError, UnknownVoiceError) as error:
            raise AgentFileError(f"{path}: {error}") from error

    def load_prices(self) -> Prices | None:
        """Read `prices.json` of the configuration folder; None if there is none.

        Raises:
            PricesFileError: it cannot be used.
        """
        path = self.config_dir / "prices.json"
        try:
            return Prices.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise PricesFileError(
                f"{path}: {explain(error)}; see config/prices.json of the project"
            ) from error
        except OSError as error:
            raise PricesFileError(f"{path}: {error}") from error
