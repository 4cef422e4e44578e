"""The sandbox's settings, under the names the services read, so that both ends of every wire agree.

It never reads `.env`: a user's real credentials have no business here.
"""

import base64
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.gateway.releases import Release
from shared.settings import Url


def _signing_secret(secret: SecretStr) -> SecretStr:
    """Keep the first of several comma separated secrets, which must be `whsec_` and base64."""
    first = secret.get_secret_value().split(",")[0].strip()
    base64.b64decode(first.removeprefix("whsec_"), validate=True)
    return SecretStr(first)


def _named(name: str, default: Any) -> Any:
    return Field(default, validation_alias=name)


class SandboxSettings(BaseSettings):
    """Where the sandbox listens, how fast people speak there, and whose accounts it plays.

    `SANDBOX_HOST`, `SANDBOX_PORT`, `SANDBOX_SPEED` (1 = human pace) and `SANDBOX_GATEWAY_RELEASE` are its
    own; the rest are the services'.
    """

    model_config = SettingsConfigDict(
        env_file=None,
        env_prefix="SANDBOX_",  # a field's bare name may not be read: PORT is the voice server's
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_by_name=True,
        validate_default=True,
    )

    host: str = _named("SANDBOX_HOST", "127.0.0.1")
    port: Annotated[int, Field(ge=0, le=65535)] = _named("SANDBOX_PORT", 8090)
    speed: Annotated[float, Field(gt=0)] = _named("SANDBOX_SPEED", 1.0)

    gateway_release: Release = _named("SANDBOX_GATEWAY_RELEASE", "none")

    openai_api_key: SecretStr = _named("OPENAI_API_KEY", "sk-proj-sandbox")
    openai_webhook_secret: Annotated[SecretStr, AfterValidator(_signing_secret)] = _named(
        "OPENAI_WEBHOOK_SECRET", "whsec_c2FuZGJveC13ZWJob29rLXNpZ25pbmctc2VjcmV0"
    )
    openai_project_id: str = _named("OPENAI_PROJECT_ID", "proj_Sandbox0123")
    twilio_account_sid: str = _named("TWILIO_ACCOUNT_SID", "AC5a0db0c5a0db0c5a0db0c5a0db0c5a0d")
    twilio_auth_token: SecretStr = _named("TWILIO_AUTH_TOKEN", "sandbox-auth-token")
    twilio_api_key_sid: str | None = _named("TWILIO_API_KEY_SID", None)
    twilio_api_key_secret: SecretStr | None = _named("TWILIO_API_KEY_SECRET", None)
    twilio_phone_number: str = _named("TWILIO_PHONE_NUMBER", "+14155550100")
    openclaw_gateway_token: SecretStr = _named("OPENCLAW_GATEWAY_TOKEN", "sandbox-gateway-token")
    public_url: Url = _named("PUBLIC_URL", "http://127.0.0.1:8080")

    def as_service_environment(self, port: int | None = None) -> dict[str, str]:
        """Give the environment that points a service at this sandbox, secrets in clear.

        Args:
            port: where the sandbox really listens, if it was started on port 0.
        """
        url = f"http://{self.host}:{port or self.port}"
        return {
            "OPENAI_BASE_URL": f"{url}/v1",
            "OPENAI_API_KEY": self.openai_api_key.get_secret_value(),
            "OPENAI_WEBHOOK_SECRET": self.openai_webhook_secret.get_secret_value(),
            "OPENAI_PROJECT_ID": self.openai_project_id,
            "TWILIO_BASE_URL": url,
            "TWILIO_ACCOUNT_SID": self.twilio_account_sid,
            "TWILIO_AUTH_TOKEN": self.twilio_auth_token.get_secret_value(),
            "TWILIO_PHONE_NUMBER": self.twilio_phone_number,
            "PUBLIC_URL": self.public_url,
            "OPENCLAW_GATEWAY_URL": url,
            "OPENCLAW_GATEWAY_TOKEN": self.openclaw_gateway_token.get_secret_value(),
        }
