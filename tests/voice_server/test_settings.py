"""The voice server's settings: what is taken, and how it is said what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.voice_server.settings import AgentFileError, PricesFileError, VoiceSettings
from shared.settings import faults
from tests.voice_server.price_list import FILE, PRICES

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

GIVEN = {
    "openai_base_url": "http://127.0.0.1:9/v1",
    "twilio_base_url": "http://127.0.0.1:9",
    "public_url": "http://127.0.0.1:8080/",
    "openai_api_key": "sk-secret-1",
    "openai_project_id": "proj_AbC123",
    "openai_webhook_secret": SECRET,
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "secret-2",
    "twilio_phone_number": "+1 415 555 0100",
}

REAL = {
    "openai_base_url": "https://api.openai.com/v1",
    "twilio_base_url": "https://api.twilio.com",
    "public_url": "https://phone.example.com",
    "voice_api_key": "key-1",
    "bridge_api_key": "key-2",
}


def settings(**changes: Any) -> VoiceSettings:
    return VoiceSettings(**GIVEN | changes, _env_file=None)


def fault(**changes: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        settings(**changes)
    (line,) = faults(refused.value, VoiceSettings)
    return line


def test_defaults_are_those_of_the_contract() -> None:
    given = settings()
    assert given.public_url == "http://127.0.0.1:8080"
    assert given.twilio_phone_number == "+14155550100"
    assert (given.host, given.port, given.sip_host) == ("127.0.0.1", 8080, "sip.api.openai.com")
    assert (given.max_concurrent_calls, given.max_calls_per_hour, given.max_call_seconds) == (10, 60, 1800)
    assert (given.silence_seconds, given.drain_seconds, given.openclaw_timeout) == (60, 20, 30)
    assert given.regions == {"US"}
    assert given.owner_numbers == given.allowed_callers == given.outbound_numbers == frozenset()
    assert (given.calls, given.trust_trunk_callers) == ("on", True)


def test_the_agents_command_gets_none_of_the_phones_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TWILIO_AUTH_TOKEN", "voice_api_key", "OPENAI_WEBHOOK_SECRET", "OPENAI_API_KEY", "MY_OWN"):
        monkeypatch.setenv(name, "set")
    given = settings(openclaw_state_dir="~/theirs").agent_environment
    assert not {"TWILIO_AUTH_TOKEN", "voice_api_key", "OPENAI_WEBHOOK_SECRET"} & given.keys()
    assert (given["OPENAI_API_KEY"], given["MY_OWN"]) == ("set", "set")
    assert given["OPENCLAW_STATE_DIR"] == str(Path.home() / "theirs")


def test_what_a_day_may_bring_follows_from_the_lines_and_the_hour_unless_it_is_said() -> None:
    caps = settings().caps
    assert (caps.calls_per_hour, caps.calls_per_number_per_day) == (60, 60)
    assert (caps.minutes_per_day, caps.dollars_per_day, caps.numbers_per_range) == (2400, 100, 20)
    said = settings(
        max_calls_per_number_per_day="3", max_minutes_per_day="30", max_dollars_per_day="1.5"
    ).caps
    assert (said.calls_per_number_per_day, said.minutes_per_day, said.dollars_per_day) == (3, 30, 1.5)


def test_lists_are_read_from_text_with_commas() -> None:
    given = settings(
        owner_numbers="+1 (415) 555-0123, +49 151 12345678,",
        allowed_callers="*",
        outbound_regions="us, de",
        openai_webhook_secret=f"{SECRET}, whsec_c2Vjb25k",
    )
    assert given.owner_numbers == {"+14155550123", "+4915112345678"}
    assert given.allowed_callers == {"*"}
    assert given.regions == {"US", "DE"}
    assert [secret.get_secret_value() for secret in given.openai_webhook_secret] == [SECRET, "whsec_c2Vjb25k"]


def test_no_secret_is_shown() -> None:
    shown = repr(settings(voice_api_key="key-1"))
    for secret in ("sk-secret-1", "secret-2", "MfKQ9r8", "key-1"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"openai_webhook_secret": ""}, "OPENAI_WEBHOOK_SECRET: "),
        ({"openai_webhook_secret": "MfKQ9r8G"}, "must begin with whsec_"),
        ({"openai_webhook_secret": "whsec_"}, "must begin with whsec_"),
        ({"openai_webhook_secret": "whsec_a"}, "not base64"),
        ({"openai_webhook_secret": "whsec_\u00e9\u00e9\u00e9\u00e9"}, "OPENAI_WEBHOOK_SECRET: "),
        ({"openai_webhook_secret": f"{SECRET},whsec_!"}, "not base64"),
        ({"openai_project_id": "AbC123"}, "e.g. OPENAI_PROJECT_ID=proj_"),
        ({"twilio_account_sid": "AC123"}, "e.g. TWILIO_ACCOUNT_SID=AC"),
        ({"twilio_phone_number": "555-0100"}, "e.g. TWILIO_PHONE_NUMBER=+"),
        ({"owner_numbers": "+14155550123,me"}, "e.g. OWNER_NUMBERS=+"),
        ({"outbound_regions": "Germany"}, "OUTBOUND_REGIONS: Germany is not a country's two letters"),
        ({"outbound_regions": "US,XX"}, "e.g. OUTBOUND_REGIONS=US,DE"),
        ({"public_url": "phone.example.com"}, "e.g. PUBLIC_URL=https://"),
        ({"public_url": "https://my_phone.example.com"}, "PUBLIC_URL: Twilio takes no address whose host"),
        ({"public_url": "https://phone.example.com/?a=b"}, "PUBLIC_URL: must be an address alone"),
        ({"public_url": "https://me:secret-2@phone.example.com"}, "PUBLIC_URL: must be an address alone"),
        ({"twilio_auth_token": None}, "TWILIO_AUTH_TOKEN: "),
        ({"port": "70000"}, "PORT: "),
        ({"max_concurrent_calls": "0"}, "MAX_CONCURRENT_CALLS: "),
        ({"max_call_seconds": "3600"}, "MAX_CALL_SECONDS: "),
        ({"max_dollars_per_day": "inf"}, "MAX_DOLLARS_PER_DAY: "),
        ({"max_minutes_per_day": "0"}, "MAX_MINUTES_PER_DAY: "),
        ({"calls": "never"}, "e.g. CALLS=on"),
        ({"outbound_numbers": "0900"}, "e.g. OUTBOUND_NUMBERS=+"),
        ({"trust_trunk_callers": "perhaps"}, "e.g. TRUST_TRUNK_CALLERS=true"),
        ({"drain_seconds": "-1"}, "DRAIN_SECONDS: "),
        ({"openclaw_timeout": "0"}, "OPENCLAW_TIMEOUT: "),
        ({"twilio_api_key_sid": "SK" + "0" * 32}, "set both or neither"),
        ({"twilio_api_key_secret": "secret"}, "set both or neither"),
        ({**REAL, "public_url": "http://phone.example.com"}, "PUBLIC_URL: Twilio and OpenAI need https"),
        ({**REAL, "voice_api_key": None}, "VOICE_API_KEY: must be set"),
        ({**REAL, "bridge_api_key": None}, "BRIDGE_API_KEY: must be set"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_is_one_line_with_the_settings_name(changes: dict[str, Any], told: str) -> None:
    line = fault(**changes)
    assert told in line
    assert "\n" not in line
    assert "secret-2" not in line


def test_real_accounts_need_keys_and_an_address_and_then_all_is_well() -> None:
    assert settings(**REAL).twilio_base_url == "https://api.twilio.com"


def agent_file(tmp_path: Path, text: str) -> VoiceSettings:
    (tmp_path / "agent.json").write_text(text, encoding="utf-8")
    return settings(config_dir=tmp_path)


def test_the_agent_as_published_still_loads_with_its_successors(tmp_path: Path) -> None:
    published = {"name": "Nova", "instructions": "Hi.", "voice": "nova", "model": "gpt-4o-realtime-preview"}
    agent, warnings = agent_file(tmp_path, json.dumps(published)).load_agent()
    assert (agent.voice, agent.model) == ("marin", "gpt-realtime-2.1")
    assert len(warnings) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Expecting value"),
        ("{", "agent.json: "),
        ("[]", "agent.json: "),
        ("\x00", "agent.json: "),
        ('{"name": "Ada"}', "instructions: is missing"),
        ('{"name": "Ada", "instructions": "Hi.", "voice": "vader"}', "choose one of alloy"),
        ('{"name": "Ada", "instructions": "Hi.", "max_call_seconds": 0}', "max_call_seconds: "),
    ],
)
def test_a_bad_agent_is_refused_with_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(AgentFileError) as refused:
        agent_file(tmp_path, text).load_agent()
    assert told in str(refused.value)
    assert "agent.json" in str(refused.value)


def test_a_missing_agent_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(AgentFileError, match=r"copy config/agent\.json"):
        settings(config_dir=tmp_path).load_agent()


def test_an_agent_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agent.json").mkdir()
    with pytest.raises(AgentFileError, match="directory"):
        settings(config_dir=tmp_path).load_agent()
    (tmp_path / "agent.json").rmdir()
    (tmp_path / "agent.json").write_bytes(b"\xff\xfe")
    with pytest.raises(AgentFileError, match=r"agent\.json"):
        settings(config_dir=tmp_path).load_agent()


def test_the_price_list_as_shipped_is_read(tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_bytes(FILE.read_bytes())
    assert settings(config_dir=tmp_path).load_prices() == PRICES


def test_without_a_price_list_there_are_no_prices(tmp_path: Path) -> None:
    assert settings(config_dir=tmp_path).load_prices() is None


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("as_of", "yesterday", r"prices\.json: as_of: "),
        ("usd_per_transcribed_minute", {"whisper-1": -1}, r"usd_per_transcribed_minute\.whisper-1: "),
        ("usd_per_million_tokens", {"gpt": {}}, r"usd_per_million_tokens\.gpt\.text_in: is missing"),
        ("currency", "EUR", r"currency: is not known here"),
    ],
)
def test_a_bad_price_list_is_refused_with_what_is_wrong(
    tmp_path: Path, name: str, value: object, told: str
) -> None:
    document = json.loads(FILE.read_bytes()) | {name: value}
    (tmp_path / "prices.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(PricesFileError, match=told):
        settings(config_dir=tmp_path).load_prices()


def test_a_price_list_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prices.json").mkdir()
    with pytest.raises(PricesFileError, match=r"prices\.json"):
        settings(config_dir=tmp_path).load_prices()
