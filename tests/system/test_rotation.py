"""What docs/operations.md promises of each secret: when the new one counts, and what is lost meanwhile."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.programs import OWNER, openclaw_folder
from dev.stack import Program
from tests.system.conftest import Stack, a_stack
from tests.system.test_a_whole_call import TALK

OLD_WEBHOOK_SECRET = "whsec_b2xkLXNlY3JldA=="


def given(programs: list[Program], **settings: str) -> None:
    for program in programs:
        program.environment = {**program.environment, **settings}


def having(**settings: str) -> Callable[[list[Program]], None]:
    return lambda programs: given(programs, **settings)


async def failing(stack: Stack, check: str) -> None:
    """Place a call, and wait until the voice server says that this peer does not play along."""
    async with stack.http.post(f"{stack.voice.url}/call", json={"to": OWNER}) as answer:
        assert answer.status in {202, 502}

    async def noticed() -> bool:
        checks = (await stack.get(f"{stack.voice.url}/health"))["checks"]
        return bool(checks[check]["status"] == "failed")

    await stack.until(noticed)


@pytest.mark.parametrize(
    ("secret", "old", "check"),
    [
        ("OPENAI_API_KEY", "sk-proj-old", "openai"),
        ("TWILIO_AUTH_TOKEN", "old-auth-token", "twilio"),
    ],
)
async def test_a_peers_new_secret_counts_from_the_restart_on(
    tmp_path: Path, secret: str, old: str, check: str
) -> None:
    async with a_stack(tmp_path, 8, having(**{secret: old})) as stack:
        await failing(stack, check)
        given([stack.voice], **{secret: stack.sandbox.as_service_environment()[secret]})
        await stack.voice.stop()
        await stack.voice.start()
        call_id = await stack.call()
        await stack.until_synced(call_id)

        assert stack.written() == TALK


async def test_openais_webhook_secrets_hold_both_while_one_takes_over_from_the_other(tmp_path: Path) -> None:
    def both(programs: list[Program]) -> None:
        new = programs[0].environment["OPENAI_WEBHOOK_SECRET"]
        given(programs, OPENAI_WEBHOOK_SECRET=f"{OLD_WEBHOOK_SECRET},{new}")

    async with a_stack(tmp_path, 8, both) as stack:
        await stack.until_synced(await stack.call())

        assert stack.written() == TALK


async def test_our_own_keys_change_one_service_after_the_other_and_nothing_said_meanwhile_is_lost(
    tmp_path: Path,
) -> None:
    old = {"VOICE_API_KEY": "old-voice-key", "BRIDGE_API_KEY": "old-bridge-key"}
    new = {"VOICE_API_KEY": "new-voice-key", "BRIDGE_API_KEY": "new-bridge-key"}
    async with a_stack(tmp_path, 8, having(**old, DRAIN_SECONDS="60")) as stack:
        stack.http.headers["Authorization"] = "Bearer old-voice-key"
        call_id = await stack.call()
        await stack.until_said(call_id, 1)
        for program in (stack.bridge, stack.voice):
            given([program], **new)
            await program.stop()
            await program.start()
        stack.http.headers["Authorization"] = "Bearer new-bridge-key"
        await stack.until_synced(call_id)

        assert stack.written() == TALK


async def test_the_gateways_new_token_is_read_from_openclaws_own_file_without_a_restart(
    tmp_path: Path,
) -> None:
    file = openclaw_folder(tmp_path) / "openclaw.json"

    def from_the_file(programs: list[Program]) -> None:
        for program in programs:
            program.environment = {
                name: value for name, value in program.environment.items() if name != "OPENCLAW_GATEWAY_TOKEN"
            }

    def holding(token: str) -> None:
        config = {"meta": {"lastTouchedVersion": "2026.9.6"}, "gateway": {"auth": {"token": token}}}
        file.write_text(json.dumps(config), encoding="utf-8")

    holding("old")
    async with a_stack(tmp_path, 8, from_the_file, gateway_release="2026.9.6") as stack:

        async def openclaw(status: str) -> bool:
            checks = (await stack.get(f"{stack.bridge.url}/health"))["checks"]
            return bool(checks["openclaw"]["status"] == status)

        await stack.until(lambda: openclaw("failed"))
        holding(stack.sandbox.openclaw_gateway_token.get_secret_value())
        await stack.until(lambda: openclaw("ok"))
        await stack.until_synced(await stack.call())

        assert TALK[-1] in await stack.remembered()
