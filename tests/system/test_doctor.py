"""The doctor before every way to set a phone up wrongly: the right ✗, and the right next step."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from services.voice_server.doctor.run import look_at
from services.voice_server.domain.diagnosis import Finding, State
from services.voice_server.settings import VoiceSettings
from tests.system.conftest import Stack, a_stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = "sip:{project_id}@sip.api.openai.com"
ROUTE = "Calls to the number"
NO_TRUNK: dict[str, Any] = {"trunk_sid": None}


def number(**wrong: Any) -> dict[str, Any]:
    return {"numbers": [wrong]}


def trunk(*originations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"trunks": [{"originations": list(originations), **more}]}


def endpoint(**wrong: Any) -> dict[str, Any]:
    return {"webhook_endpoints": [wrong]}


WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    # The accounts, which check is not well, what is found, what is to be done.
    ({"openai_api_key": "sk-another"}, "OpenAI key", "refuses the key", "OPENAI_API_KEY"),
    ({"key_project": "proj_other"}, "OpenAI key", "belongs to proj_other", "OPENAI_PROJECT_ID"),
    ({"models_off": ["gpt-realtime-2.1", "gpt-realtime"]}, "OpenAI models", "may not use", "Model usage"),
    ({"webhook_endpoints": []}, "OpenAI webhook", "tells nobody", "realtime.call.incoming"),
    (endpoint(url="https://old.example.com/webhook"), "OpenAI webhook", "old.example.com", "make connect"),
    (
        endpoint(event_types=["response.completed"]),
        "OpenAI webhook",
        "other things",
        "realtime.call.incoming",
    ),
    (endpoint(secret="whsec_b3RoZXI="), "OpenAI webhook", "another secret", "OPENAI_WEBHOOK_SECRET"),
    (endpoint(project="proj_other"), "OpenAI webhook", "tells nobody", "make connect"),
    ({"auth_token": "rotated"}, "Twilio account", "TWILIO_AUTH_TOKEN", "primary auth token"),
    ({"account_status": "suspended"}, "Twilio account", "suspended", "Twilio console"),
    ({"balance": 0.0}, "Twilio account", "Nothing is left", "Add funds"),
    ({"numbers": []}, "Twilio number", "not a number of this account", "TWILIO_PHONE_NUMBER"),
    (number(voice=False), "Twilio number", "only messages", "capability Voice"),
    (number(**NO_TRUNK, voice_url=""), ROUTE, "Nobody is asked", "/voice/incoming"),
    (
        number(**NO_TRUNK, voice_url="https://demo.twilio.com/a"),
        "Calls to the number",
        "demo",
        "make connect",
    ),
    (number(**NO_TRUNK, voice_method="GET"), ROUTE, "by GET", "(POST)"),
    (
        number(**NO_TRUNK, voice_application_sid="AP" + "0" * 32),
        "Calls to the number",
        "AP00",
        "make connect",
    ),
    (trunk(), ROUTE, "leads nowhere", "Origination"),
    (
        trunk({"sip_url": f"{HERE};transport=tls", "enabled": False}),
        "Calls to the number",
        "disabled",
        "enabled",
    ),
    (trunk({"sip_url": HERE}), ROUTE, "not over TLS", "transport=tls"),
    (
        trunk({"sip_url": "sip:proj_x@sip.api.openai.com;transport=tls"}),
        "Calls to the number",
        "proj_x",
        "Orig",
    ),
    (trunk(domain_name="phone.pstn.twilio.com"), ROUTE, "leads nowhere", "Termination"),
    ({"trunks": []}, ROUTE, "not in this account", "Take it off"),
    ({"countries_off": ["US"]}, "Calls to others", "US", "Geo permissions"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with a_stack(tmp_path_factory.mktemp("doctor"), 8) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def accounts(stack: Stack) -> AsyncIterator[str]:
    """Give the address of the sandbox's accounts, which are as they were at the end."""
    url = f"{stack.sandbox_url}/sandbox/accounts"
    before = await stack.get(url)
    yield url
    await change(stack, url, before)


async def change(stack: Stack, url: str, accounts: dict[str, Any]) -> None:
    async with stack.http.patch(url, json=accounts) as answer:
        assert answer.status == 200, await answer.text()


async def looked(stack: Stack, **changed: str) -> Mapping[str, Finding]:
    environment = stack.environment(**changed)
    config = VoiceSettings.model_validate({name.lower(): value for name, value in environment.items()})
    speaker, _ = config.load_agent()
    return await look_at(config, speaker, lambda _name, _finding: None)


def ill(findings: Mapping[str, Finding]) -> dict[str, Finding]:
    return {name: finding for name, finding in findings.items() if finding.state is State.BAD}


async def test_a_phone_that_is_set_up_well_is_found_well(stack: Stack, accounts: str) -> None:
    findings = await looked(stack)
    assert {name: finding for name, finding in findings.items() if finding.state is not State.OK} == {}


@pytest.mark.parametrize(
    ("wrong", "check", "found", "step"), WRONG, ids=[f"{c}: {f}" for _, c, f, _ in WRONG]
)
async def test_what_is_wrong_is_found_where_it_is_with_the_next_step(
    stack: Stack, accounts: str, wrong: dict[str, Any], check: str, found: str, step: str
) -> None:
    await change(stack, accounts, wrong)
    [(name, finding)] = ill(await looked(stack)).items()
    assert name == check
    assert found in finding.found
    assert step in finding.next_step


@pytest.mark.parametrize(
    ("changed", "check", "found"),
    [
        ({"PUBLIC_URL": "http://127.0.0.1:9"}, "Public address", "Nothing answers"),
        ({"PORT": "9"}, "Voice server", "Nothing answers"),
        ({"BRIDGE_URL": "http://127.0.0.1:9"}, "Session bridge", "Nothing answers"),
        ({"TWILIO_AUTH_TOKEN": "0" * 32}, "Voice server", "other settings"),
        ({"OWNER_NUMBERS": ""}, "Owners", "There is no owner"),
        ({"OPENCLAW_STATE_DIR": "/nowhere/openclaw"}, "OpenClaw", "is not there"),
    ],
)
async def test_what_is_wrong_on_this_machine_is_found_first(
    stack: Stack, accounts: str, changed: dict[str, str], check: str, found: str
) -> None:
    findings = ill(await looked(stack, **changed))
    assert next(iter(findings)) == check
    assert found in findings[check].found
