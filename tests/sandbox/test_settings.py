import base64
from pathlib import Path

import pytest
from pydantic import ValidationError

from sandbox.settings import SandboxSettings


def test_a_dot_env_file_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-proj-real\nSANDBOX_PORT=1234\n")
    monkeypatch.chdir(tmp_path)
    settings = SandboxSettings()
    assert (settings.port, settings.openai_api_key.get_secret_value()) == (8090, "sk-proj-sandbox")


def test_it_reads_the_names_the_services_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"OPENAI_PROJECT_ID": "proj_X", "SANDBOX_SPEED": "3", "PORT": "9999"}.items():
        monkeypatch.setenv(name, value)
    settings = SandboxSettings()
    assert (settings.openai_project_id, settings.speed, settings.port) == ("proj_X", 3, 8090)


def test_the_environment_for_a_service_points_at_this_sandbox() -> None:
    environment = SandboxSettings(port=0).as_service_environment(4321)
    assert environment["OPENAI_BASE_URL"] == "http://127.0.0.1:4321/v1"
    assert environment["TWILIO_BASE_URL"] == environment["OPENCLAW_GATEWAY_URL"] == "http://127.0.0.1:4321"
    assert environment["TWILIO_PHONE_NUMBER"] == "+14155550100"
    assert base64.b64decode(environment["OPENAI_WEBHOOK_SECRET"].removeprefix("whsec_"), validate=True)


def test_of_several_webhook_secrets_the_first_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", "whsec_bmV3, whsec_b2xk")
    assert SandboxSettings().openai_webhook_secret.get_secret_value() == "whsec_bmV3"


def test_a_webhook_secret_that_is_not_base64_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", "whsec_!")
    with pytest.raises(ValidationError, match="base64"):
        SandboxSettings()
