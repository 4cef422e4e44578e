"""The composition root: from an environment to a server, or to one line that says what to change."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from services.voice_server import keys
from services.voice_server.app import build, create
from services.voice_server.domain import agent
from services.voice_server.domain.cost import NO_PRICES
from services.voice_server.settings import VoiceSettings
from tests.voice_server.conftest import AGENT
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer, Start
from tests.voice_server.serving import Answer, scripted

Environment = Callable[..., dict[str, str]]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[dict[str, str]], None]:
    """Give the process nothing but this environment, and no `.env`; how it logs ends with it."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.getLogger(), "level", logging.WARNING)

    def set_all(values: dict[str, str]) -> None:
        monkeypatch.chdir(tmp_path)
        for name in VoiceSettings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_all


async def test_gunicorn_gets_an_application_from_the_environment(
    bare: Callable[[dict[str, str]], None], environment: Environment
) -> None:
    bare(environment(LOG_LEVEL="error"))
    runner = await create()
    assert runner.app[keys.SETTINGS].owner_numbers == {OWNER}


async def test_every_missing_setting_is_named_at_once(
    bare: Callable[[dict[str, str]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    bare({"OPENAI_BASE_URL": "http://127.0.0.1:9", "TWILIO_BASE_URL": "http://127.0.0.1:9"})
    with pytest.raises(SystemExit) as ended:
        await create()
    told = f"{ended.value}{capsys.readouterr().err}"
    for name in ("OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET", "TWILIO_AUTH_TOKEN", "PUBLIC_URL"):
        assert f"{name}: is missing" in told


async def test_a_bad_agent_file_is_named(
    bare: Callable[[dict[str, str]], None],
    environment: Environment,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bare(environment())
    (tmp_path / "config" / "agent.json").write_text('{"name": "Ada"}', encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        await create()
    told = f"{ended.value}{capsys.readouterr().err}"
    assert "agent.json: instructions: is missing" in told


async def test_a_bad_price_list_is_named(
    bare: Callable[[dict[str, str]], None],
    environment: Environment,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bare(environment())
    (tmp_path / "config" / "prices.json").write_text("[]", encoding="utf-8")
    with pytest.raises(SystemExit):
        await create()
    assert "The price list needs a change:\n" in capsys.readouterr().err


async def test_without_a_price_list_the_server_starts_and_says_what_is_missing(
    bare: Callable[[dict[str, str]], None], environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    bare(environment(LOG_FORMAT="json"))
    await create()
    assert "prices_missing" in capsys.readouterr().err


def config(environment: Environment, **changes: str) -> VoiceSettings:
    values = {name.lower(): value for name, value in environment(**changes).items()}
    return VoiceSettings(**values, _env_file=None)  # type: ignore[arg-type]  # parsed from text


def test_the_gateway_is_found_in_the_users_own_configuration(
    environment: Environment, tmp_path: Path
) -> None:
    settings = config(environment, OPENCLAW_STATE_DIR=str(tmp_path)).model_copy(
        update={"openclaw_gateway_url": None, "openclaw_gateway_token": None}
    )
    assert settings.find_gateway() == ("http://127.0.0.1:18789", None)
    assert settings.openclaw_config.read() is settings.openclaw_config.read()
    theirs = {"gateway": {"port": 19000, "auth": {"token": "theirs"}}}
    (tmp_path / "openclaw.json").write_text(json.dumps(theirs), encoding="utf-8")
    assert settings.find_gateway() == ("http://127.0.0.1:19000", "theirs")


def test_the_gateway_is_found_where_rules_are_in_a_file_the_container_has_not(
    environment: Environment, tmp_path: Path
) -> None:
    theirs = {"gateway": {"port": 19000}, "session": {"$include": "./session.json5"}}
    (tmp_path / "openclaw.json").write_text(json.dumps(theirs), encoding="utf-8")
    settings = config(environment, OPENCLAW_STATE_DIR=str(tmp_path), OPENCLAW_GATEWAY_TOKEN="ours")
    settings = settings.model_copy(update={"openclaw_gateway_url": None})
    assert settings.find_gateway() == ("http://127.0.0.1:19000", "ours")


def test_nothing_of_the_users_is_read_where_the_settings_say_it_all(
    environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "openclaw.json").write_text('{"$include": "./not-there.json5"}', encoding="utf-8")
    gateway = {"OPENCLAW_GATEWAY_URL": "http://gateway:1", "OPENCLAW_GATEWAY_TOKEN": "ours"}
    settings = config(environment, OPENCLAW_STATE_DIR=str(tmp_path), **gateway)
    assert settings.find_gateway() == ("http://gateway:1", "ours")


def test_settings_come_before_the_users_configuration(environment: Environment, tmp_path: Path) -> None:
    theirs = {"gateway": {"port": 19000, "auth": {"token": "theirs"}}}
    (tmp_path / "openclaw.json").write_text(json.dumps(theirs), encoding="utf-8")
    settings = config(
        environment,
        OPENCLAW_STATE_DIR=str(tmp_path),
        OPENCLAW_GATEWAY_URL="http://gateway:1",
        OPENCLAW_GATEWAY_TOKEN="ours",
    )
    assert settings.find_gateway() == ("http://gateway:1", "ours")


async def test_an_api_key_is_used_where_there_is_one_and_the_token_still_verifies(start: Start) -> None:
    sid = "SK" + "2" * 32
    async with scripted(Answer(401)) as twilio:
        server = await start(
            TWILIO_BASE_URL=twilio.url, TWILIO_API_KEY_SID=sid, TWILIO_API_KEY_SECRET="secret"
        )
        await server.ask("POST", "/call", {"to": OWNER})
        assert "Basic U0syMjIy" in twilio.received[0].headers["Authorization"]
        assert "<Hangup />" in await server.twiml("/voice/twiml?ref=x", CallSid="CA1")


async def test_the_bridge_gets_its_own_key(server: RunningServer, bridge: RecordingBridge) -> None:
    call_id = await server.dial("+14155550104")
    await bridge.until("call_ended", call_id)
    assert {headers["Authorization"] for headers in bridge.headers} == {"Bearer the-bridge-key"}


async def test_without_a_key_everybody_may_ask(start: Start) -> None:
    server = await start(VOICE_API_KEY="")
    assert (await server.ask("GET", "/calls", key=None))[0] == 200


async def test_an_application_can_be_built_without_a_running_server(environment: Environment) -> None:
    app = build(config(environment), agent.load(AGENT)[0], NO_PRICES)
    assert {
        route.method + " " + (route.resource.canonical if route.resource else "")
        for route in app.router.routes()
    } >= {
        "POST /webhook",
        "POST /voice/twiml",
        "POST /voice/incoming",
        "POST /call",
        "DELETE /call/{id}",
        "GET /calls",
        "GET /history",
        "GET /history/{id}",
        "GET /history/{id}/transcript",
        "GET /health",
    }
