"""Messages brought to people's chats over the gateway."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from sandbox.app import Sandbox, running
from sandbox.gateway.deliveries import Route
from sandbox.gateway.releases import Release
from sandbox.settings import SandboxSettings
from tests.contract.gateway_client import Connection, connected
from tests.contract.voice_session import refusal

MAIN = "agent:main:main"
MESSAGE = {"channel": "telegram", "to": "telegram:4242", "message": "**Done**", "sessionKey": MAIN}
ROUTE = {"channel": "telegram", "to": "telegram:4242", "accountId": "default"}

INTERNAL_ONLY = (
    "unsupported channel: webchat (internal-only). Use `chat.send` for WebChat UI messages or choose a "
    "deliverable channel."
)


@pytest.fixture(params=["2026.7.35", "2026.9.6"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    release: Release = request.param
    async with running(SandboxSettings(port=0, speed=150, gateway_release=release)) as sandbox:
        yield sandbox


def opened(sandbox: Sandbox, *scopes: str) -> AbstractAsyncContextManager[Connection]:
    token = sandbox.world.settings.openclaw_gateway_token.get_secret_value()
    return connected(sandbox.url, token, *(scopes or ("operator.write",)))


async def listed(connection: Connection, **search: Any) -> dict[str, Any]:
    sessions = (await connection.call("sessions.list", **search))["sessions"]
    return {row["key"]: row.get("deliveryContext") for row in sessions}


async def test_a_message_is_delivered_once_and_shown_in_its_conversation(sandbox: Sandbox) -> None:
    async with opened(sandbox) as connection:
        first = await connection.call("send", **MESSAGE, idempotencyKey="one")
        assert first == {"runId": "one", "messageId": "101", "channel": "telegram"}
        assert await connection.call("send", **MESSAGE, idempotencyKey="one") == first
        assert (await connection.call("send", **MESSAGE, idempotencyKey="two"))["messageId"] == "102"
    assert [(sent.to, sent.message) for sent in sandbox.gateway.sent] == [("telegram:4242", "**Done**")] * 2
    row = sandbox.gateway.rows("main")[0].as_json(1)
    assert (row["role"], row["provider"], row["model"]) == ("assistant", "openclaw", "delivery-mirror")


async def test_the_owner_has_a_chat_or_none(sandbox: Sandbox) -> None:
    async with opened(sandbox) as connection:
        assert await listed(connection) == {MAIN: ROUTE}
        (row,) = (await connection.call("sessions.list"))["sessions"]
        assert (row["lastChannel"], row["lastTo"], row["lastAccountId"]) == tuple(ROUTE.values())
        sandbox.switches.gateway_route = "none"
        assert await listed(connection) == {}
        sandbox.gateway.start_run(MAIN)
        assert await listed(connection) == {MAIN: None}


async def test_a_conversation_is_found_by_a_part_of_its_key_with_its_last_route(sandbox: Sandbox) -> None:
    key = "agent:main:telegram:group:-7:topic:3"
    sandbox.gateway.heard_from(key, Route("telegram", "telegram:-7", thread_id="3"))
    async with opened(sandbox) as connection:
        assert await listed(connection, search="group:-7") == {
            key: ROUTE | {"to": "telegram:-7", "threadId": "3"}
        }
        assert set(await listed(connection)) == {key, MAIN}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"to": None}, "invalid send params: must have required property 'to'"),
        ({"to": ""}, "invalid send params: at /to: must not have fewer than 1 characters"),
        ({"message": " "}, "invalid send params: text or media is required"),
        ({"channel": "discord"}, "unsupported channel: discord"),
        ({"channel": "webchat"}, INTERNAL_ONLY),
    ],
)
async def test_what_cannot_be_delivered_is_refused(
    sandbox: Sandbox, change: dict[str, str | None], words: str
) -> None:
    params = {
        name: value
        for name, value in (MESSAGE | {"idempotencyKey": "one"} | change).items()
        if value is not None
    }
    async with opened(sandbox) as connection:
        assert await refusal(connection.call("send", **params)) == ("INVALID_REQUEST", words)
    assert sandbox.gateway.sent == []


async def test_only_who_may_write_may_send(sandbox: Sandbox) -> None:
    async with opened(sandbox, "operator.read", "operator.talk") as connection:
        _, words = await refusal(connection.call("send", **MESSAGE, idempotencyKey="one"))
    assert words == "missing scope: operator.write"


async def test_the_oldest_release_cannot_send(sandbox: Sandbox) -> None:
    sandbox.switches.gateway_release = "2026.2.2"
    async with opened(sandbox, "operator.admin") as connection:
        assert "send" not in connection.hello["features"]["methods"]
