"""What OpenClaw 2026.9.6 promises whoever connects to its gateway and reads conversations there.

Each promise is a function over a way to open connections: kept by the sandbox in `make test`, and by the real
gateway in `make test-openclaw`, so that the stand-in is held to the real thing.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.contract import talk_promises
from tests.contract.gateway_client import ME, RefusedError
from tests.contract.voice_session import READER, Open, VoiceSession, new_key, refusal

_INTERNAL_ONLY = (
    "unsupported channel: webchat (internal-only). Use `chat.send` for WebChat UI messages or choose a "
    "deliverable channel."
)


async def hello_tells_protocol_scopes_and_methods(opened: Open) -> None:
    async with opened(*READER) as connection:
        hello = connection.hello
    assert (hello["type"], hello["protocol"]) == ("hello-ok", 4)
    assert re.fullmatch(r"\d{4}\.\d+\.\d+.*", hello["server"]["version"])
    assert hello["auth"]["scopes"] == list(READER)
    assert "talk.client.transcript" in hello["features"]["methods"]
    assert hello["policy"]["tickIntervalMs"] == 30_000


async def strangers_are_turned_away(opened: Open) -> None:
    assert await _turned_away(opened, token="wrong") == (
        "INVALID_REQUEST",
        "unauthorized: gateway token mismatch (provide gateway auth token)",
        "AUTH_TOKEN_MISMATCH",
    )
    assert await _turned_away(opened, token=None) == (
        "NOT_PAIRED",
        "device identity required",
        "DEVICE_IDENTITY_REQUIRED",
    )
    assert await _turned_away(opened, protocols=(3, 3)) == (
        "INVALID_REQUEST",
        "protocol mismatch",
        "PROTOCOL_MISMATCH",
    )
    assert await _turned_away(opened, client=ME | {"id": "my-app"}) == (
        "INVALID_REQUEST",
        "invalid connect params: at /client/id: must be equal to one of the allowed values",
        None,
    )


async def scopes_are_needed(opened: Open) -> None:
    async with opened("operator.read") as connection:
        assert await refusal(VoiceSession(connection).create()) == (
            "FORBIDDEN",
            "missing scope: operator.talk",
        )
        key = new_key()
        assert await refusal(connection.call("sessions.patch", key=key)) == (
            "FORBIDDEN",
            "missing scope: operator.write",
        )
    async with opened("operator.read", client=ME | {"mode": "cli"}) as connection:
        assert connection.hello["auth"]["scopes"] == []
        assert (await connection.call("health"))["ok"]
        history = connection.call("chat.history", sessionKey=new_key())
        assert await refusal(history) == ("FORBIDDEN", "missing scope: operator.read")


async def unknown_methods_are_told_to_admins_alone(opened: Open) -> None:
    async with opened(*READER) as reader, opened("operator.admin") as admin:
        assert await refusal(reader.call("no.such")) == ("FORBIDDEN", "missing scope: operator.admin")
        assert await refusal(admin.call("no.such")) == ("INVALID_REQUEST", "unknown method: no.such")


async def _turned_away(opened: Open, **how: Any) -> tuple[str, str, str | None]:
    with pytest.raises(RefusedError) as caught:
        async with opened(*READER, **how):
            pass
    error = caught.value
    return error.code, error.message, error.error.get("details", {}).get("code")


async def a_conversation_nobody_began_is_empty_and_idle(opened: Open) -> None:
    async with opened(*READER) as connection:
        history = await connection.call("chat.history", sessionKey=new_key())
        assert (history["messages"], history["hasMore"], history["totalMessages"]) == ([], False, 0)
        assert history["sessionInfo"]["hasActiveRun"] is False
        assert "sessionId" not in history


async def history_is_read_page_by_page_from_the_newest(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = VoiceSession(connection)
        await call.create()
        for number in range(5):
            await call.add(str(number), "user" if number % 2 == 0 else "assistant", f"turn {number}")
        key = call.names["sessionKey"]
        page = await connection.call("chat.history", sessionKey=key, limit=2)
        assert (page["hasMore"], page["nextOffset"], page["totalMessages"]) == (True, 2, 5)
        assert [row["content"][0]["text"] for row in page["messages"]] == ["turn 3", "turn 4"]
        last = await connection.call("chat.history", sessionKey=key, limit=2, offset=4)
        assert [row["content"][0]["text"] for row in last["messages"]] == ["turn 0"]
        assert (last["hasMore"], "nextOffset" in last) == (False, False)
        around = await call.rows(messageId=call.row_id("0"))
        assert call.row_id("0") in [row["__openclaw"]["id"] for row in around]


async def a_session_is_named_by_a_patch_and_names_are_unique(opened: Open) -> None:
    async with opened("operator.read", "operator.write") as connection:
        key, label = new_key(), f"Phone {uuid4()}"
        patched = await connection.call("sessions.patch", key=key, label=label)
        assert (patched["ok"], patched["key"], patched["entry"]["label"]) == (True, key, label)
        history = await connection.call("chat.history", sessionKey=key)
        assert history["sessionId"] == patched["entry"]["sessionId"]
        taken = await refusal(connection.call("sessions.patch", key=new_key(), label=label))
        assert taken == ("INVALID_REQUEST", f"label already in use: {label}")
        listed = await connection.call("sessions.list")
        assert label in [row.get("label") for row in listed["sessions"]]


async def rows_are_told_to_whoever_follows_them(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = VoiceSession(connection)
        key = call.names["sessionKey"]
        followed = await connection.call("sessions.messages.subscribe", key=key)
        assert followed == {"subscribed": True, "key": key}
        await call.create()
        await call.add("1", "user", "one")
        told = await connection.event("session.message", sessionKey=key)
        assert told["message"]["__openclaw"]["id"] == call.row_id("1")


async def a_turn_is_told_from_its_start_until_the_session_is_idle(opened: Open) -> None:
    async with opened("operator.read", "operator.write") as connection:
        key = new_key()
        assert await connection.call("sessions.subscribe") == {"subscribed": True}
        sent = {"message": "Hello", "idempotencyKey": str(uuid4())}
        started = await connection.call("chat.send", sessionKey=key, **sent)
        assert started == {"runId": sent["idempotencyKey"], "status": "started"}
        await connection.event("sessions.changed", sessionKey=key, hasActiveRun=True)
        await connection.event("agent", sessionKey=key, runId=started["runId"], stream="lifecycle")
        await connection.event("sessions.changed", sessionKey=key, phase="end", hasActiveRun=False)
        history = await connection.call("chat.history", sessionKey=key)
        assert history["sessionInfo"]["hasActiveRun"] is False
        assert [row["role"] for row in history["messages"]] == ["user", "assistant"]


async def a_reset_hides_what_was_said_but_does_not_forget_it(opened: Open) -> None:
    async with opened("operator.admin") as connection:
        call = VoiceSession(connection)
        await call.create()
        await call.add("1", "user", "before")
        key = call.names["sessionKey"]
        session_id = (await connection.call("chat.history", sessionKey=key))["sessionId"]
        assert (await connection.call("sessions.reset", key=key))["entry"]["sessionId"] == session_id
        (mark,) = await call.rows()
        assert (mark["role"], mark["__openclaw"]["kind"]) == ("system", "reset")
        assert await call.has("1")
        assert call.row_id("1") in [
            row["__openclaw"]["id"] for row in await call.rows(messageId=call.row_id("1"))
        ]
        assert await call.add("1", "user", "before") == {"ok": True}
        assert await call.add("2", "assistant", "after") == {"ok": True}
        assert [text for _, text in await call.texts()] == ["Reset", "after"]


async def a_message_goes_to_somebody_through_a_channel_and_says_something(opened: Open) -> None:
    named = {"sessionKey": new_key(), "idempotencyKey": str(uuid4())}
    for params, words in (
        ({"message": "Hi"}, "invalid send params: must have required property 'to'"),
        ({"to": "", "message": "Hi"}, "invalid send params: at /to: must not have fewer than 1 characters"),
        ({"to": "42", "message": " "}, "invalid send params: text or media is required"),
        ({"to": "42", "message": "Hi", "channel": "webchat"}, _INTERNAL_ONLY),
        ({"to": "42", "message": "Hi", "channel": "pigeon"}, "unsupported channel: pigeon"),
    ):
        async with opened("operator.write") as connection:
            refused = await refusal(connection.call("send", **named, **params))
        assert refused == ("INVALID_REQUEST", words)
    async with opened(*READER) as connection:
        refused = await refusal(connection.call("send", **named, to="42", message="Hi"))
    assert refused == ("FORBIDDEN", "missing scope: operator.write")


async def an_older_release_names_sessions_but_takes_no_transcripts(
    opened: Open, protocol: int, patch_scope: str
) -> None:
    """For 2026.2.2 (3, operator.admin) and 2026.7.35 (4, operator.write)."""
    async with opened("operator.read", patch_scope) as connection:
        hello = connection.hello
        assert hello["protocol"] == protocol
        assert {"sessions.patch", "chat.history"} <= set(hello["features"]["methods"])
        assert "talk.client.transcript" not in hello["features"]["methods"]
        key, label = new_key(), f"Phone {uuid4()}"
        patched = await connection.call("sessions.patch", key=key, label=label)
        assert (patched["key"], patched["entry"]["label"]) == (key, label)
    async with opened("operator.read") as connection:
        refused = await refusal(connection.call("sessions.patch", key=new_key()))
        assert refused == ("INVALID_REQUEST", f"missing scope: {patch_scope}")
    other = 7 - protocol
    code, message, _ = await _turned_away(opened, protocols=(other, other))
    assert (code, message) == ("INVALID_REQUEST", "protocol mismatch")


PROMISES: list[Callable[[Open], Awaitable[None]]] = [
    hello_tells_protocol_scopes_and_methods,
    strangers_are_turned_away,
    scopes_are_needed,
    unknown_methods_are_told_to_admins_alone,
    a_conversation_nobody_began_is_empty_and_idle,
    history_is_read_page_by_page_from_the_newest,
    a_session_is_named_by_a_patch_and_names_are_unique,
    rows_are_told_to_whoever_follows_them,
    a_turn_is_told_from_its_start_until_the_session_is_idle,
    a_reset_hides_what_was_said_but_does_not_forget_it,
    a_message_goes_to_somebody_through_a_channel_and_says_something,
    *talk_promises.PROMISES,
]
"""What any gateway of that release promises, its agent once configured and with a key of OpenAI's."""
