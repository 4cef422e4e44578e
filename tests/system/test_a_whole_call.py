"""One call through everything, and what must survive on the way."""

import json
from pathlib import Path

import pytest

from dev.stack import Program
from tests.system.conftest import Stack, a_stack

GREETING = "Hello! This is your AI assistant calling."
TALK = [
    ("assistant", GREETING),
    ("user", "What's on my calendar today?"),
    ("assistant", "One moment, I'll look."),
    ("assistant", "You have two appointments today: the dentist at 10 and lunch with Sam at 1."),
    ("user", "When do I have to leave for lunch?"),
    ("assistant", "Leave at half past twelve."),
    ("user", "Great, thank you. Goodbye!"),
    ("assistant", "Goodbye!"),
]
ASKED = [
    ("user", "What is on the calendar today?"),
    ("assistant", "You have two appointments today: the dentist at 10 and lunch with Sam at 1."),
]
"""What the agent itself remembers of the talk: the question that was put to it."""


async def test_what_is_said_on_the_phone_stands_in_the_owners_session(stack: Stack) -> None:
    call_id = await stack.call()
    await stack.until_synced(call_id)

    assert stack.written() == TALK
    assert await stack.turns(call_id) == [text for _, text in TALK]
    call = await stack.get(f"{stack.voice.url}/history/{call_id}")
    assert (call["status"], call["end_reason"]) == ("completed", "assistant_hung_up")
    assert call["session_key"] == "agent:main:main"
    assert call["cost_usd"] > 0
    async with stack.http.post(f"{stack.bridge.url}/sync-transcript", json={"callId": call_id}) as answer:
        assert (await answer.json())["messagesInjected"] == 0
    assert stack.written() == TALK


async def test_what_is_said_on_the_phone_is_told_to_a_gateway_that_keeps_its_sessions_to_itself(
    tmp_path: Path,
) -> None:
    async with a_stack(tmp_path, 8, gateway_release="2026.9.6") as stack:
        call_id = await stack.call()
        await stack.until_synced(call_id)

        assert await stack.remembered() == [*ASKED, *TALK]
        assert stack.written() == []
        assert not list(stack.folder.glob("openclaw/agents"))
        check = (await stack.get(f"{stack.bridge.url}/health"))["checks"]["openclaw"]
        assert check == {"status": "ok", "detail": "store gateway: the gateway (2026.9.6) takes transcripts"}


async def test_a_subscriber_sees_the_call_from_its_first_event_to_the_write(stack: Stack) -> None:
    call_id = await stack.call()
    await stack.until_synced(call_id)
    async with stack.http.get(f"{stack.bridge.url}/calls/{call_id}/events") as answer:
        text = (await answer.read()).decode()
    events = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]

    assert [event["sequence"] for event in events[:-1]] == list(range(1, len(events)))
    kinds = [event.get("eventType", "session_synced") for event in events]
    assert (kinds[0], kinds[-2:]) == ("call_started", ["call_ended", "session_synced"])


@pytest.mark.parametrize("turns_said", [1, 3])
async def test_a_voice_server_killed_in_mid_call_takes_it_up_and_doubles_nothing(
    tmp_path: Path, turns_said: int
) -> None:
    # Human pace: the server is back within a second or two, and what is under way then is still to be heard.
    async with a_stack(tmp_path, 1) as stack:
        call_id = await stack.call()
        await stack.until_said(call_id, turns_said)
        await stack.kill_and_restart(stack.voice)
        await stack.until_synced(call_id)

        assert stack.written() == TALK


async def test_a_call_that_failed_while_the_voice_server_was_dead_is_over_when_it_is_back(
    stack: Stack,
) -> None:
    call_id = await stack.call()
    await stack.kill_and_restart(stack.voice)
    await stack.until_synced(call_id)

    assert (await stack.get(f"{stack.voice.url}/calls"))["active_calls"] == 0
    assert (await stack.get(f"{stack.voice.url}/history/{call_id}"))["status"] != "queued"


@pytest.mark.parametrize("turns_said", [0, 3, 8])
async def test_a_bridge_killed_in_mid_call_loses_and_doubles_nothing(stack: Stack, turns_said: int) -> None:
    call_id = await stack.call()
    await stack.until_said(call_id, turns_said)
    await stack.kill_and_restart(stack.bridge)
    await stack.until_synced(call_id)

    assert stack.written() == TALK


async def test_under_gunicorn_a_call_goes_the_same_way_and_everything_ends_cleanly(tmp_path: Path) -> None:
    def as_in_the_image(programs: list[Program]) -> None:
        for program, module in zip(programs, ("session_bridge", "voice_server"), strict=True):
            program.command = (
                *("-m", "gunicorn", "-k", "aiohttp.GunicornWebWorker", "-w", "1", "--no-control-socket"),
                *("-b", program.url.removeprefix("http://"), f"services.{module}.app:create"),
            )

    async with a_stack(tmp_path, 20, as_in_the_image) as stack:
        await stack.until_synced(await stack.call())
        assert stack.written() == TALK
        for program in (stack.voice, stack.bridge):
            await program.stop()
            assert program.process
            assert program.process.returncode == 0
