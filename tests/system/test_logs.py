"""What a real call leaves in the logs, at the most talkative level."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dev.programs import OWNER
from dev.stack import Program
from sandbox.settings import SandboxSettings
from tests.system.conftest import a_stack

STRANGER = "+14155550177"
KEYS = {"VOICE_API_KEY": "key-of-the-voice", "BRIDGE_API_KEY": "key-of-the-bridge"}


async def test_no_number_key_or_word_of_a_call_is_in_the_logs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def talkative(programs: list[Program]) -> None:
        for program in programs:
            program.environment = {**program.environment, **KEYS, "LOG_LEVEL": "debug"}

    async with a_stack(tmp_path, 20, talkative) as stack:
        sandbox = str(stack.voice.environment["TWILIO_BASE_URL"])
        voice = {"Authorization": f"Bearer {KEYS['VOICE_API_KEY']}"}
        order = {"to": OWNER, "message": "Hello! This is your AI assistant calling."}
        for headers, status in ((voice, 202), ({"Authorization": "Bearer a-wrong-key"}, 401)):
            async with stack.http.post(f"{stack.voice.url}/call", json=order, headers=headers) as answer:
                assert answer.status == status
        for caller, via in ((OWNER, "trunk"), (OWNER, "number"), (STRANGER, "trunk"), (STRANGER, "number")):
            call = {"from": caller, "script": "talk", "via": via}
            async with stack.http.post(f"{sandbox}/sandbox/calls", json=call) as answer:
                assert answer.status < 300, await answer.text()

        async def over() -> bool:
            async with stack.http.get(f"{stack.voice.url}/history", headers=voice) as answer:
                statuses = [one["status"] for one in (await answer.json())["calls"]]
            return sorted(statuses) == ["completed"] * 3 + ["rejected"] * 2

        await stack.until(over)
    log = capfd.readouterr().err
    assert "caller_turned_away" in log
    settings = SandboxSettings()
    secrets = (
        settings.openai_api_key,
        settings.openai_webhook_secret,
        settings.twilio_auth_token,
        settings.openclaw_gateway_token,
    )
    hidden = [*KEYS.values(), *(secret.get_secret_value() for secret in secrets), "a-wrong-key"]
    hidden += [OWNER[1:], STRANGER[1:], settings.twilio_phone_number[1:], "calendar", "assistant calling"]
    hidden += ["X-Openclaw-Call", "Bearer "]
    lines = [line for line in log.splitlines() if any(text in line for text in hidden)]
    assert lines == []
    assert re.findall(r"\+\d{7,}", log) == []
    check_facts([json.loads(line) for line in log.splitlines() if line.startswith("{")])


OF_OPENCLAW = {"gateway_connected", "gateway_absent", "store_chosen"}
"""What is told of OpenClaw, whichever call comes next."""


def check_facts(lines: list[dict[str, Any]]) -> None:
    """Check that each service has said how it is set up, and that every other fact names its call."""
    facts = [line for line in lines if re.fullmatch(r"[a-z_]+", line["event"]) and line["level"] != "debug"]
    configured = [line for line in facts if line["event"].endswith("_configured")]
    assert {line["event"] for line in configured} == {
        "voice_server_configured",
        "session_bridge_configured",
    }
    assert all(line["version"] and line["data_dir"] and line["wants_key"] is True for line in configured)
    of_calls = [line for line in facts if line not in configured and line["event"] not in OF_OPENCLAW]
    assert [line for line in of_calls if not line.get("call_id")] == []
    assert len({line["call_id"] for line in of_calls}) >= 5
