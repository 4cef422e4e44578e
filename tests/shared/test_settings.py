import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, SecretStr, ValidationError

from services.session_bridge.settings import BridgeSettings
from services.voice_server.settings import VoiceSettings
from shared.settings import OPENAI_URL, TWILIO_URL, CommaSeparated, Settings, address, faults, load

STAND_IN = "http://127.0.0.1:8090"
AWAY = {"openai_base_url": STAND_IN, "twilio_base_url": STAND_IN}


class Example(Settings):
    """Settings of a service with one more of each kind."""

    twilio_phone_number: str
    openclaw_timeout: float = Field(30, gt=0)
    outbound_regions: CommaSeparated = ()


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start where there is neither a `.env` nor a variable of ours."""
    monkeypatch.chdir(tmp_path)
    for name in {*Example.model_fields, "openai_api_key", "bridge_api_key"}:
        monkeypatch.delenv(name.upper(), raising=False)


def example(**values: Any) -> Example:
    """Read settings with stand-ins for the peers."""
    return Example(**{"twilio_phone_number": "+14155550123"} | AWAY | values)


def lines_of(**values: Any) -> list[str]:
    """Say what is wrong with these settings."""
    with pytest.raises(ValidationError) as caught:
        example(**values)
    return faults(caught.value, Example)


@pytest.mark.parametrize(
    ("values", "beginning"),
    [
        ({"log_level": "loud"}, "LOG_LEVEL: "),
        ({"log_format": "xml"}, "LOG_FORMAT: "),
        ({"openclaw_timeout": "0"}, "OPENCLAW_TIMEOUT: "),
        ({"owner_numbers": "+14155550123, 4155550124"}, "OWNER_NUMBERS: That is not a phone number"),
        ({"bridge_url": "localhost:8082"}, "BRIDGE_URL: "),
        ({"openclaw_agent_id": "../main"}, "OPENCLAW_AGENT_ID: "),
    ],
)
def test_a_fault_is_one_line_with_the_settings_name_and_an_example_that_works(
    values: dict[str, str], beginning: str
) -> None:
    (line,) = lines_of(**values)
    assert line.startswith(f"  {beginning}")
    assert "\n" not in line
    (name,) = values
    shown = re.fullmatch(rf".*; e\.g\. {name.upper()}=(\S+)", line)
    assert shown, line
    example(**{name: shown[1]})


def test_each_fault_has_a_line_of_its_own_and_none_repeats_a_value() -> None:
    lines = lines_of(log_level="sesame", bridge_url="sesame", owner_numbers="sesame")
    assert [line.split(":")[0].strip() for line in lines] == ["BRIDGE_URL", "OWNER_NUMBERS", "LOG_LEVEL"]
    assert "sesame" not in "".join(lines)


@pytest.mark.parametrize("settings", [Example, VoiceSettings, BridgeSettings])
def test_no_setting_is_shown_with_an_example_nobody_could_paste(settings: type[Settings]) -> None:
    for name in settings.model_fields:
        error = ValidationError.from_exception_data("", [{"type": "missing", "loc": (name,), "input": {}}])
        (line,) = faults(error, settings)
        assert line.startswith(f"  {name.upper()}: is missing; e.g. {name.upper()}=")
        assert not re.search(r"=(None|PydanticUndefined|\(\)|frozenset.*)?$", line), line


@pytest.mark.parametrize(
    "peers",
    [
        {"openai_base_url": OPENAI_URL},
        {"openai_base_url": f"{OPENAI_URL}/"},
        {"openai_base_url": "https://eu.api.openai.com/v1"},
        {"twilio_base_url": TWILIO_URL},
        {"twilio_base_url": "https://api.dublin.ie1.twilio.com"},
    ],
)
def test_with_a_real_account_each_missing_key_is_asked_for_with_a_fresh_value(peers: dict[str, str]) -> None:
    values = []
    for _ in range(2):
        lines = "\n".join(lines_of(**peers)).splitlines()
        assert [line.split(":")[0] for line in lines] == ["  VOICE_API_KEY", "  BRIDGE_API_KEY"]
        values += [line.rpartition("_KEY=")[2] for line in lines]
    assert len(set(values)) == 4
    assert all(len(value) >= 40 for value in values)
    settings = example(**peers, voice_api_key=values[0], bridge_api_key=values[1])
    assert settings.voice_api_key == SecretStr(values[0])


def test_with_stand_ins_no_key_is_needed() -> None:
    assert example().voice_api_key is None


def test_an_empty_variable_is_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "")
    monkeypatch.setenv("OWNER_NUMBERS", " ")
    assert example().log_level == "info"
    assert example().owner_numbers == frozenset()


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=debug\nOPENCLAW_AGENT_ID=ada\nSOMEBODY_ELSES=1\n")
    monkeypatch.setenv("LOG_LEVEL", "error")
    settings = example()
    assert (settings.log_level, settings.openclaw_agent_id) == ("error", "ada")


def test_lists_are_comma_separated_and_numbers_end_up_as_e164(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNER_NUMBERS", "+1 415 555 0123, +49 151 12345678,")
    monkeypatch.setenv("OUTBOUND_REGIONS", "US, DE")
    settings = example()
    assert settings.owner_numbers == {"+14155550123", "+4915112345678"}
    assert settings.outbound_regions == ("US", "DE")


def test_a_url_needs_no_care_about_its_last_slash() -> None:
    assert example(bridge_url="http://bridge:8082/").bridge_url == "http://bridge:8082"


def test_openclaws_folder_is_found_in_the_home_directory() -> None:
    assert example().state_dir == Path.home() / ".openclaw"


def test_a_fault_ends_the_process_with_all_that_is_to_be_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in AWAY.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(SystemExit) as caught:
        load(Example)
    assert caught.value.code == 4, "the one at which gunicorn stops, too"
    title, *lines = capsys.readouterr().err.splitlines()
    assert title == "The settings need a change:"
    assert lines == [
        "  LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'; e.g. LOG_LEVEL=info",
        "  TWILIO_PHONE_NUMBER: is missing; e.g. TWILIO_PHONE_NUMBER=+14155550123",
    ]


def test_sound_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**AWAY, "twilio_phone_number": "+14155550123"}.items():
        monkeypatch.setenv(name.upper(), value)
    assert load(Example) == example()


@pytest.mark.parametrize("url", ["http://127.0.0.1:8082", "https://me:secret@127.0.0.1:8082/v1"])
def test_where_a_url_leads_is_told_without_its_password(url: str) -> None:
    assert address(url) == "127.0.0.1:8082"
