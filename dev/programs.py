"""What there is to start, and with which settings."""

import json
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from dev.stack import ROOT, Program
from sandbox.scripts import BY_LAST_DIGITS
from sandbox.settings import SandboxSettings

OWNER = "+14155550123"
"""The person whose phone the sandbox plays."""

OWNERS = sorted(f"{OWNER[:-2]}{digits}" for digits in BY_LAST_DIGITS)
"""Their numbers: one for each script, since a script is chosen by the number."""


class Ports(BaseSettings):
    """Where the services are told to listen, and whether there are real accounts."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65535)
    bridge_host: str = "127.0.0.1"
    bridge_port: int = Field(8082, ge=1, le=65535)
    openai_api_key: SecretStr | None = None
    voice_api_key: SecretStr | None = None
    bridge_api_key: SecretStr | None = None


def services(ports: Ports, environment: dict[str, str], folder: Path | None = None) -> list[Program]:
    """Describe the two services, in the order they are to be started."""
    bridge = Program(
        "session bridge",
        ("-m", "services.session_bridge"),
        f"http://{ports.bridge_host}:{ports.bridge_port}",
        environment,
        folder,
    )
    voice = Program(
        "voice server",
        ("-m", "services.voice_server"),
        f"http://{ports.host}:{ports.port}",
        environment,
        folder,
    )
    return [bridge, voice]


def sandbox(settings: SandboxSettings, folder: Path) -> Program:
    """Describe the sandbox."""
    environment = {
        "SANDBOX_PORT": str(settings.port),
        "SANDBOX_SPEED": str(settings.speed),
        "SANDBOX_GATEWAY_RELEASE": settings.gateway_release,
        **settings.as_service_environment(),
    }
    return Program(
        "sandbox", ("-m", "sandbox"), f"http://{settings.host}:{settings.port}", environment, folder
    )


def sandbox_environment(settings: SandboxSettings, ports: Ports, folder: Path) -> dict[str, str]:
    """Point the services at the sandbox and at an OpenClaw folder of its own, apart from the user's."""
    voice = f"http://{ports.host}:{ports.port}"
    return settings.as_service_environment() | {
        "PUBLIC_URL": voice,
        "VOICE_SERVER_URL": voice,
        "BRIDGE_URL": f"http://{ports.bridge_host}:{ports.bridge_port}",
        "PORT": str(ports.port),
        "BRIDGE_PORT": str(ports.bridge_port),
        "CONFIG_DIR": str(ROOT / "config"),
        "DATA_DIR": str(folder),
        "OPENCLAW_STATE_DIR": str(openclaw_folder(folder)),
        "OPENCLAW_STORE": "jsonl" if settings.gateway_release == "none" else "auto",
        "OWNER_NUMBERS": ",".join(OWNERS),
        "DRAIN_SECONDS": "2",
        # Trying one fault after the other looks like dialling through a range of numbers.
        "MAX_CALLS_PER_HOUR": "1000",
    }


def beside_the_sandbox(ports: Ports) -> tuple[SandboxSettings, dict[str, str], Path]:
    """Give what `make run` starts where there are no accounts: sandbox, settings of the services, data."""
    folder = (ROOT / "data" / "sandbox").absolute()
    settings = SandboxSettings(public_url=f"http://{ports.host}:{ports.port}")
    return settings, sandbox_environment(settings, ports, folder), folder


def openclaw_folder(folder: Path) -> Path:
    """Lay out the state of an OpenClaw that has never been talked to, and return where it is."""
    state = folder / "openclaw"
    state.mkdir(parents=True, exist_ok=True)
    config = state / "openclaw.json"
    if not config.exists():
        config.write_text(json.dumps({"meta": {"lastTouchedVersion": "2026.7.35"}}, indent=2) + "\n")
    return state
