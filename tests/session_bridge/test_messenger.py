"""Late answers, from the call event to the owner's chat."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from sandbox.app import Sandbox
from sandbox.gateway.deliveries import Route
from services.session_bridge import messenger
from services.session_bridge.adapters.late_answers import LateAnswers
from services.session_bridge.keys import JOURNAL, MESSENGER, RPC
from shared.database import DatabaseError
from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import CALL, Json, call, kept
from tests.session_bridge.gateway import playing, token
from tests.session_bridge.waiting import until

ANSWER = "At **9:10**."
MAIN = "agent:main:main"
NOBODY = "http://127.0.0.1:9"


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


def asked_and_answered(
    *, after: bool, ok: bool = True, output: str = ANSWER, call_id: str = CALL
) -> list[Json]:
    """Make the events of a call whose question was answered after its end, or before."""
    started = {"toolCallId": "t1", "name": "ask_openclaw", "arguments": '{"request": "A flight?"}'}
    finished = {"toolCallId": "t1", "name": "ask_openclaw", "ok": ok, "output": output, "durationSeconds": 60}
    begun, ended = call(call_id=call_id)
    asked, answered = kept(call_id, 2, "tool_started", started), kept(call_id, 3, "tool_finished", finished)
    events = [begun, asked, answered, ended]
    if after:
        events[2:] = [ended, events[2]]
    return [{**event, "sequence": place} for place, event in enumerate(events, 1)]


def aged(events: list[Json], hours: float) -> list[Json]:
    """Have them happen so long ago."""
    moment = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    return [event | {"timestamp": moment} for event in events]


def app(bridge: Bridge) -> web.Application:
    """Look into a running bridge."""
    made = bridge.client.app
    assert isinstance(made, web.Application)
    return made


async def until_logged(logs: Sequence[Mapping[str, Any]], event: str) -> None:
    """Wait until something stands in the log."""

    async def logged() -> bool:
        return any(log["event"] == event for log in logs)

    await until(logged)


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


async def test_an_answer_waits_a_day_for_the_gateway_also_over_a_restart(
    beside: Start, sandbox: Sandbox
) -> None:
    away = await beside(openclaw_gateway_url=NOBODY)
    await away.tell(aged(asked_and_answered(after=True), hours=23))
    await away.client.close()
    back = await beside()
    await until_all_are_done(back, "sent")
    assert len(sandbox.gateway.sent) == 1


async def test_an_answer_is_tried_once_with_the_gateway_that_is_there_however_old_it_is(
    beside: Start, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patient:
        patient.setattr(messenger, "WANTED_SECONDS", 1e9)
        away = await beside(openclaw_gateway_url=NOBODY)
        await away.tell(aged(asked_and_answered(after=True), hours=25))
        await away.client.close()
    back = await beside()
    await until_all_are_done(back, "sent")
    assert len(sandbox.gateway.sent) == 1


async def test_an_answer_that_finds_no_gateway_for_a_day_is_given_up(beside: Start, sandbox: Sandbox) -> None:
    bridge = await beside(openclaw_gateway_url=NOBODY)
    await bridge.tell(aged(asked_and_answered(after=True), hours=25))
    await until_all_are_done(bridge, "given_up")
    again = await beside()
    assert await outcomes(again) == {}
    assert sandbox.gateway.sent == []


async def test_a_refusal_is_not_the_last_word_when_it_is_the_first(beside: Start, sandbox: Sandbox) -> None:
    sandbox.gateway.heard_from(MAIN, Route("discord", "discord:1"))
    bridge = await beside()
    with capture_logs() as logs:
        await bridge.tell(aged(asked_and_answered(after=True), hours=2))
        await until_logged(logs, "late_answer_not_sent")
    sandbox.gateway.heard_from(MAIN, Route("telegram", "telegram:42"))
    app(bridge)[MESSENGER].hurry()
    await until_all_are_done(bridge, "sent")


async def test_what_the_gateway_refuses_for_an_hour_is_given_up(
    beside: Start, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messenger, "REFUSED_SECONDS", 0)
    sandbox.gateway.heard_from(MAIN, Route("discord", "discord:1"))
    bridge = await beside()
    await bridge.tell(aged(asked_and_answered(after=True), hours=0))
    await until_all_are_done(bridge, "given_up")


async def test_an_answer_that_breaks_us_keeps_no_other_back_and_is_tried_again(
    beside: Start, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = await beside()
    rpc = app(bridge)[RPC]
    await rpc.tried()
    send, broken = rpc.call, ["First."]

    async def breaking(method: str, **params: object) -> Mapping[str, Any]:
        if any(text in str(params) for text in broken):
            raise AttributeError("a bug")
        return await send(method, **params)

    monkeypatch.setattr(rpc, "call", breaking)
    first, second = "CA" + "1" * 32, "CA" + "2" * 32
    with capture_logs() as logs:
        await bridge.tell(asked_and_answered(after=True, output="First.", call_id=first))
        await until_logged(logs, "late_answer_broke")
    assert [(log["log_level"]) for log in logs if log["event"] == "late_answer_broke"] == ["error"]
    await bridge.tell(asked_and_answered(after=True, output="Second.", call_id=second))
    await until_all_are_done(bridge, "sent")
    assert [sent.message[-7:] for sent in sandbox.gateway.sent] == ["Second."]
    broken.clear()
    app(bridge)[MESSENGER].hurry()

    async def both() -> bool:
        return len(sandbox.gateway.sent) == 2

    await until(both)


async def test_an_answer_whose_sending_cannot_be_noted_is_not_sent_again(
    beside: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = await beside()
    done, full = LateAnswers.done, iter(["once"])

    async def failing(self: LateAnswers, event_id: str) -> None:
        if next(full, ""):
            raise DatabaseError("The disk is full.")
        await done(self, event_id)

    async def noted() -> bool:
        return not await LateAnswers(app(bridge)[JOURNAL]).waiting()

    monkeypatch.setattr(LateAnswers, "done", failing)
    with capture_logs() as logs:
        await bridge.tell(asked_and_answered(after=True))
        await until_logged(logs, "journal_unusable")
    app(bridge)[MESSENGER].hurry()
    await until(noted)
    assert await outcomes(bridge) == {"sent": 1}
