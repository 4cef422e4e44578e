from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.gateway.deliveries import Route
from sandbox.gateway.releases import Release
from services.session_bridge.adapters.openclaw.chat import Chat
from services.session_bridge.adapters.openclaw.socket import GatewayRefusedError
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from tests.session_bridge.gateway import connected, playing, said

MAIN = "agent:main:main"


@pytest.mark.parametrize("release", ["2026.7.35", "2026.9.6"])
async def test_a_message_reaches_the_chat_once_and_stands_in_the_conversation(release: Release) -> None:
    async with playing(release) as sandbox, connected(sandbox) as rpc:
        sandbox.gateway.heard_from(MAIN, Route("telegram", "telegram:4242", "default", "7"))
        for _ in range(2):
            assert await Chat(rpc).send(MAIN, "At **9:10**.", "e1")
        (sent,) = sandbox.gateway.sent
        assert (sent.channel, sent.to, sent.thread_id) == ("telegram", "telegram:4242", "7")
        assert (sent.message, sent.session_key) == ("At **9:10**.", MAIN)
        assert said(sandbox, MAIN) == ["assistant: At **9:10**."]


@pytest.mark.parametrize("key", ["agent:main:main:thread", "agent:main:voice:direct:+14155550199"])
async def test_who_never_wrote_through_a_chat_is_sent_nothing(key: str) -> None:
    async with playing() as sandbox, connected(sandbox) as rpc:
        sandbox.gateway.add(f"{MAIN}:thread", "user", "Typed into the web page.")
        assert not await Chat(rpc).send(key, "At 9:10.", "e1")
        assert sandbox.gateway.sent == []


@pytest.mark.parametrize("channel", ["webchat", "last", "voice", "WebChat"])
async def test_what_is_no_chat_is_nowhere_even_with_an_address(channel: str) -> None:
    async with playing() as sandbox, connected(sandbox) as rpc:
        sandbox.gateway.heard_from(MAIN, Route(channel, "somebody"))
        assert not await Chat(rpc).send(MAIN, "At 9:10.", "e1")


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"sessions": None},
        {"sessions": ["x"]},
        {"sessions": [{"key": MAIN, "deliveryContext": "telegram:42"}]},
        {"sessions": [{"key": MAIN, "deliveryContext": {"channel": "telegram", "to": ["42"]}}]},
    ],
)
async def test_a_list_that_is_not_understood_is_said_to_be_so(
    odd: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(_method: str, **_params: object) -> Mapping[str, Any]:
        return odd

    async with playing() as sandbox, connected(sandbox) as rpc:
        monkeypatch.setattr(rpc, "call", answer)
        with pytest.raises(CannotWriteYetError, match="install a release"):
            await Chat(rpc).send(MAIN, "At 9:10.", "e1")


async def test_a_thread_is_named_as_a_text_also_where_it_is_listed_as_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Mapping[str, object]] = []
    context = {"channel": "telegram", "to": "telegram:42", "threadId": 7, "accountId": None, "more": []}

    async def answer(_method: str, **params: object) -> Mapping[str, Any]:
        asked.append(params)
        return {"sessions": [{"key": "other"}, {"key": MAIN, "deliveryContext": context}], "more": 1}

    async with playing() as sandbox, connected(sandbox) as rpc:
        monkeypatch.setattr(rpc, "call", answer)
        assert await Chat(rpc).send(MAIN, "At 9:10.", "e1")
    assert (asked[1]["threadId"], "accountId" in asked[1]) == ("7", False)


async def test_a_channel_that_is_gone_is_a_refusal() -> None:
    async with playing() as sandbox, connected(sandbox) as rpc:
        sandbox.gateway.heard_from(MAIN, Route("discord", "discord:1"))
        with pytest.raises(GatewayRefusedError, match="unsupported channel"):
            await Chat(rpc).send(MAIN, "At 9:10.", "e1")


async def test_without_a_gateway_it_is_said_to_be_missing() -> None:
    async with playing() as sandbox, connected(sandbox, url="http://127.0.0.1:9") as rpc:
        with pytest.raises(CannotWriteYetError, match="No OpenClaw gateway answers"):
            await Chat(rpc).send(MAIN, "At 9:10.", "e1")
