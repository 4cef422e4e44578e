from pathlib import Path
from urllib.parse import quote

import pytest

from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import Json, call
from tests.session_bridge.gateway import playing, token
from tests.session_bridge.openclaw import MAIN, TALK, VOICE, Home
from tests.session_bridge.waiting import until


def context(key: str, query: str = "") -> str:
    return f"/sessions/{quote(key, safe='')}/context{query}"


async def texts(bridge: Bridge, path: str) -> list[str]:
    status, answer = await bridge.get(path)
    assert status == 200, answer
    return [turn["text"] for turn in answer["turns"]]


async def test_what_was_said_in_a_conversation_is_shown_the_oldest_first(bridge: Bridge, home: Home) -> None:
    await bridge.tell(call("user: What is on my calendar?", "assistant: Nothing today."))
    await bridge.until_all_are("synced")
    assert await bridge.get(context(VOICE)) == (
        200,
        {
            "sessionKey": VOICE,
            "store": "jsonl",
            "turns": [
                turn("user", "What is on my calendar?", "2026-11-22T14:03:13.204Z"),
                turn("assistant", "Nothing today.", "2026-11-22T14:03:14.204Z"),
            ],
        },
    )
    assert await texts(bridge, f"/sessions/{VOICE}/context?limit=1") == ["Nothing today."]


def turn(role: str, text: str, timestamp: str | None) -> Json:
    return {"role": role, "text": text, "timestamp": timestamp}


async def test_what_openclaw_gave_no_time_has_none(bridge: Bridge, home: Home) -> None:
    home.configure(session={"reset": {"mode": "idle", "idleMinutes": 60_000_000}})
    home.enter(MAIN, sessionId="s1", updatedAt=0)
    line = b'{"type":"message","id":"aa","parentId":null,"message":{"role":"user","content":"hi"}}\n'
    (home.sessions / "s1.jsonl").write_bytes(TALK + line)
    _, answer = await bridge.get(context(MAIN))
    assert answer["turns"] == [turn("user", "hi", None)]


async def test_a_gateway_tells_what_its_agent_remembers(start: Start, tmp_path: Path) -> None:
    async with playing() as sandbox:
        bridge = await start(openclaw_gateway_url=sandbox.url, openclaw_gateway_token=token(sandbox))
        await bridge.tell(call("user: hi", "assistant: hello"))
        await bridge.until_all_are("synced")
        _, answer = await bridge.get(context(VOICE))
        assert answer == {
            "sessionKey": VOICE,
            "store": "gateway",
            "turns": [
                turn("user", "hi", "2026-11-22T14:03:13.204Z"),
                turn("assistant", "hello", "2026-11-22T14:03:14.204Z"),
            ],
        }


async def test_a_conversation_nobody_has_begun_has_no_turns(bridge: Bridge) -> None:
    assert await texts(bridge, context("agent:main:telegram:direct:42")) == []


@pytest.mark.parametrize(
    "key", ["main", "voice:+14155550123", "agent:main", "agent:../x:main", "agent:a:b c"]
)
async def test_a_key_that_is_not_full_is_refused_with_what_to_change(bridge: Bridge, key: str) -> None:
    status, answer = await bridge.get(context(key))
    assert (status, answer["detail"]) == (
        422,
        "sessionKey: must be a full session key, `agent:<id>:…`, e.g. agent:main:main",
    )


@pytest.mark.parametrize("limit", ["0", "101", "many"])
async def test_a_limit_beyond_reason_is_refused(bridge: Bridge, limit: str) -> None:
    assert (await bridge.get(context(MAIN, f"?limit={limit}")))[0] == 422


async def test_where_no_openclaw_is_to_be_seen_the_answer_says_what_to_do(
    start: Start, tmp_path: Path
) -> None:
    bridge = await start(openclaw_state_dir=tmp_path / "nowhere")
    status, answer = await bridge.get(context(MAIN))
    assert (status, answer["title"]) == (503, "OpenClaw out of reach")
    assert "There is no OpenClaw to be seen" in answer["detail"]


async def test_a_gateway_that_is_down_is_told_at_once(bridge: Bridge, home: Home) -> None:
    home.become_sqlite()
    status, answer = await bridge.get(context(MAIN))
    assert (status, answer["detail"]) == (
        503,
        "No OpenClaw gateway answers at 127.0.0.1:9: start it, or correct OPENCLAW_GATEWAY_URL.",
    )


async def test_a_gateway_that_keeps_silent_is_not_waited_for(start: Start) -> None:
    async with playing() as sandbox:
        address = {"openclaw_gateway_url": sandbox.url, "openclaw_gateway_token": token(sandbox)}
        bridge = await start(**address, openclaw_context_timeout=0.05)
        sandbox.world.switches.gateway_trouble = "silent"

        async def refused() -> bool:
            status, answer = await bridge.get(context(MAIN))
            return status == 503 and "within OPENCLAW_CONTEXT_TIMEOUT, 0.05 s" in answer["detail"]

        await until(refused)


async def test_an_owners_conversation_is_told_at_once_by_a_gateway_that_is_slow(start: Start) -> None:
    async with playing() as sandbox:
        sandbox.gateway.add(MAIN, "user", "I have a cat.")
        bridge = await start(
            openclaw_gateway_url=sandbox.url,
            openclaw_gateway_token=token(sandbox),
            owner_numbers="+14155550100",
            openclaw_context_timeout=0.25,
        )

        async def at_hand() -> bool:
            sandbox.world.switches.gateway_history_seconds = 1
            told = await tells(bridge, "I have a cat.")
            sandbox.world.switches.gateway_history_seconds = int(told)
            return told

        await until(at_hand)
        sandbox.gateway.add(MAIN, "assistant", "What is it called?")
        assert await tells(bridge, "I have a cat.")
        await until(lambda: tells(bridge, "I have a cat.", "What is it called?"))


async def tells(bridge: Bridge, *wanted: str) -> bool:
    status, answer = await bridge.get(context(MAIN))
    return status == 200 and [turn["text"] for turn in answer["turns"]] == list(wanted)
