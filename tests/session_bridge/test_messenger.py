"""Late answers, from the call event to the owner's chat."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from sandbox.app import Sandbox
from services.session_bridge import messenger
from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import CALL, Json, call, kept
from tests.session_bridge.gateway import playing, token
from tests.session_bridge.waiting import until

ANSWER = "At **9:10**."


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with playing() as running:
        yield running


@pytest.fixture
async def beside(sandbox: Sandbox, start: Start) -> Start:
    """Start bridges beside that gateway."""

    async def start_one(**changes: object) -> Bridge:
        gateway = {"openclaw_gateway_url": sandbox.url, "openclaw_gateway_token": SecretStr(token(sandbox))}
        return await start(owner_numbers=frozenset({"+14155550123"}), **gateway | changes)

    return start_one


def asked_and_answered(*, after: bool, ok: bool = True, output: str = ANSWER) -> list[Json]:
    """Make the events of a call whose question was answered after its end, or before."""
    started = {"toolCallId": "t1", "name": "ask_openclaw", "arguments": '{"request": "A flight?"}'}
    finished = {"toolCallId": "t1", "name": "ask_openclaw", "ok": ok, "output": output, "durationSeconds": 60}
    begun, ended = call()
    events = [begun, kept(CALL, 2, "tool_started", started), kept(CALL, 3, "tool_finished", finished), ended]
    if after:
        events[2:] = [ended, events[2]]
    return [{**event, "sequence": place} for place, event in enumerate(events, 1)]


async def outcomes(bridge: Bridge) -> dict[str, float]:
    """Read what became of late answers."""
    async with bridge.client.get("/metrics") as response:
        lines = [line for line in (await response.text()).splitlines() if "late_answers_total{" in line]
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines}


async def until_all_are_done(bridge: Bridge, outcome: str) -> None:
    """Wait until an answer has come to this."""

    async def done() -> bool:
        return outcome in await outcomes(bridge)

    await until(done)


async def test_an_answer_that_comes_after_the_call_goes_to_the_owners_chat(
    beside: Start, sandbox: Sandbox
) -> None:
    bridge = await beside()
    await bridge.tell(asked_and_answered(after=True))
    await until_all_are_done(bridge, "sent")
    assert [sent.message for sent in sandbox.gateway.sent] == [
        f"You asked on the phone: A flight?\n\n{ANSWER}"
    ]


async def test_that_there_is_no_answer_is_told_as_well(beside: Start, sandbox: Sandbox) -> None:
    bridge = await beside()
    await bridge.tell(asked_and_answered(after=True, ok=False, output="The agent failed."))
    await until_all_are_done(bridge, "sent")
    assert "The agent failed." in sandbox.gateway.sent[0].message


async def test_an_answer_that_was_told_in_the_call_is_not_sent(beside: Start, sandbox: Sandbox) -> None:
    bridge = await beside()
    await bridge.tell(asked_and_answered(after=False))
    await bridge.until_all_are("synced")
    assert (await outcomes(bridge), sandbox.gateway.sent) == ({}, [])


async def test_what_the_gateway_sends_by_itself_is_not_sent_again(beside: Start, sandbox: Sandbox) -> None:
    sandbox.switches.gateway_route = "cut"
    bridge = await beside()
    await bridge.tell(asked_and_answered(after=True))
    await until_all_are_done(bridge, "sent")
    assert len(sandbox.gateway.sent) == 1


async def test_an_owner_without_a_chat_finds_the_answer_in_the_conversation(
    beside: Start, sandbox: Sandbox
) -> None:
    sandbox.switches.gateway_route = "none"
    bridge = await beside()
    await bridge.tell(asked_and_answered(after=True))
    await until_all_are_done(bridge, "nowhere")
    assert sandbox.gateway.sent == []


async def test_an_answer_waits_for_the_gateway_also_over_a_restart(
    beside: Start, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messenger, "GIVE_UP_SECONDS", 1e9)
    away = await beside(openclaw_gateway_url="http://127.0.0.1:9")
    await away.tell(asked_and_answered(after=True))
    await away.client.close()
    back = await beside()
    await until_all_are_done(back, "sent")
    assert len(sandbox.gateway.sent) == 1


async def test_an_answer_that_cannot_be_sent_for_an_hour_is_given_up(beside: Start, sandbox: Sandbox) -> None:
    bridge = await beside(openclaw_gateway_url="http://127.0.0.1:9")  # the call is of last Sunday
    await bridge.tell(asked_and_answered(after=True))
    await until_all_are_done(bridge, "given_up")
    again = await beside()
    assert await outcomes(again) == {}
    assert sandbox.gateway.sent == []
