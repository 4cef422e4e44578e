"""What OpenClaw 2026.9.6 promises whoever writes finished calls into it over the gateway.

Each promise is a function over a way to open connections: kept by the sandbox in `make test`, and by the real
gateway in `make test-openclaw`, so that the stand-in is held to the real thing.
"""

from asyncio import timeout
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import uuid4

import pytest

from tests.contract.gateway_client import ME, Connection, RefusedError

READER = ("operator.read", "operator.talk")


class Open(Protocol):
    """Open a connection to the gateway under test, by default with its own token."""

    def __call__(
        self,
        *scopes: str,
        token: str | None = ...,
        protocols: tuple[int, int] = ...,
        client: dict[str, str] = ...,
    ) -> AbstractAsyncContextManager[Connection]: ...


def new_key() -> str:
    return f"agent:main:direct:{uuid4().hex[:10]}"


def new_voice() -> str:
    return f"CA{uuid4().hex}"


class Call:
    """One call's voice session on a connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.names = {"sessionKey": new_key(), "voiceSessionId": new_voice()}

    async def create(self, **more: Any) -> dict[str, Any]:
        live = {"provider": "openai", "model": "gpt-live-1", "transport": "webrtc"}
        return await self.connection.call("talk.client.create", **self.names, **(live | more))

    async def add(self, entry: str, role: str, text: str, **more: Any) -> dict[str, Any]:
        said = {"entryId": entry, "role": role, "text": text}
        return await self.connection.call("talk.client.transcript", **self.names, **said, **more)

    async def close(self) -> dict[str, Any]:
        return await self.connection.call("talk.client.close", **self.names)

    async def rows(self, **more: Any) -> list[dict[str, Any]]:
        history = await self.connection.call("chat.history", sessionKey=self.names["sessionKey"], **more)
        return list(history["messages"])

    async def texts(self) -> list[tuple[str, str]]:
        return [(row["role"], row["content"][0]["text"]) for row in await self.rows()]

    def row_id(self, entry: str) -> str:
        return f"voice:{self.names['voiceSessionId']}:{entry}"

    async def has(self, entry: str) -> bool:
        key = self.names["sessionKey"]
        answer = await self.connection.call("chat.message.get", sessionKey=key, messageId=self.row_id(entry))
        return bool(answer["ok"])


async def refusal(answer: Awaitable[object]) -> tuple[str, str]:
    with pytest.raises(RefusedError) as caught:
        await answer
    return caught.value.code, caught.value.message


async def hello_tells_protocol_scopes_and_methods(opened: Open) -> None:
    async with opened(*READER) as connection:
        hello = connection.hello
    assert (hello["type"], hello["protocol"], hello["server"]["version"]) == ("hello-ok", 4, "2026.9.6")
    assert hello["auth"]["scopes"] == list(READER)
    assert "talk.client.transcript" in hello["features"]["methods"]
    assert hello["policy"]["tickIntervalMs"] == 30_000


async def _turned_away(opened: Open, **how: Any) -> tuple[str, str, str | None]:
    with pytest.raises(RefusedError) as caught:
        async with opened(*READER, **how):
            pass
    error = caught.value
    return error.code, error.message, error.error.get("details", {}).get("code")


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
        assert await refusal(Call(connection).create()) == ("FORBIDDEN", "missing scope: operator.talk")
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


async def a_call_is_kept_in_order_under_the_ids_it_came_with(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = Call(connection)
        created = await call.create()
        assert created["voiceSessionId"] == call.names["voiceSessionId"]
        assert await call.add("0001", "user", "Book the vet.", timestamp=1795350417255) == {"ok": True}
        assert await call.add("0002", "assistant", " Done. ", timestamp=1795350418000) == {"ok": True}
        assert await call.close() == {"ok": True}
        assert await call.close() == {"ok": True}
        rows = await call.rows()
        assert await call.texts() == [("user", "Book the vet."), ("assistant", "Done.")]
        assert [row["__openclaw"]["id"] for row in rows] == [call.row_id("0001"), call.row_id("0002")]
        assert [row["timestamp"] for row in rows] == [1795350417255, 1795350418000]
        assert {row["provenance"]["kind"] for row in rows} == {"realtime_voice"}
        assert rows[1]["stopReason"] == "stop"


async def a_conversation_nobody_began_is_empty_and_idle(opened: Open) -> None:
    async with opened(*READER) as connection:
        history = await connection.call("chat.history", sessionKey=new_key())
        assert (history["messages"], history["hasMore"], history["totalMessages"]) == ([], False, 0)
        assert history["sessionInfo"]["hasActiveRun"] is False
        assert "sessionId" not in history


async def a_repeat_adds_nothing_whatever_its_time(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = Call(connection)
        await call.create()
        for at in (1795350417255, 1795350417999):
            assert await call.add("1", "user", "Hello", timestamp=at) == {"ok": True}
        assert await call.texts() == [("user", "Hello")]


async def another_text_or_speaker_is_a_conflict_that_keeps_the_session_open(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = Call(connection)
        await call.create()
        await call.add("1", "user", "one")
        for role, text in (("user", "two"), ("assistant", "one")):
            code, message = await refusal(call.add("1", role, text))
            assert code == "INVALID_REQUEST"
            assert message == (
                "TranscriptTurnAdmissionConflictError: Transcript idempotency key "
                f'"event:{call.row_id("1")}" conflicts with the admitted message.'
            )
        assert await refusal(call.close()) == (
            "INVALID_REQUEST",
            "Error: voice transcript persistence must be retried before close",
        )
        assert await call.add("1", "user", "one") == {"ok": True}
        assert await call.close() == {"ok": True}
        assert await call.texts() == [("user", "one")]


async def a_closed_session_takes_nothing_more(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = Call(connection)
        await call.create()
        await call.add("1", "user", "one")
        await call.close()
        assert await refusal(call.create()) == ("UNAVAILABLE", "Error: voice session is already closed")
        for entry in ("1", "2"):
            closed = await refusal(call.add(entry, "user", "one"))
            assert closed == ("INVALID_REQUEST", "Error: voice session is closed")


async def a_session_belongs_to_its_key(opened: Open) -> None:
    async with opened(*READER) as connection:
        call, other = Call(connection), Call(connection)
        assert await refusal(call.add("1", "user", "one")) == (
            "INVALID_REQUEST",
            "Error: voice session not found",
        )
        await call.create()
        other.names["voiceSessionId"] = call.names["voiceSessionId"]
        elsewhere = "Error: voice session does not belong to this agent session"
        assert await refusal(other.add("1", "user", "one")) == ("INVALID_REQUEST", elsewhere)
        assert await refusal(other.create()) == ("UNAVAILABLE", elsewhere)


async def a_session_ends_with_the_connection_that_opened_it(opened: Open) -> None:
    async with opened(*READER) as other:
        async with opened(*READER) as connection:
            call = Call(connection)
            await call.create()
            await call.add("1", "user", "one")
            elsewhere = Call(other)
            elsewhere.names = call.names
            assert await elsewhere.add("2", "assistant", "two") == {"ok": True}
            assert await refusal(elsewhere.close()) == (
                "INVALID_REQUEST",
                "Error: Gateway-controlled voice session is not owned by this client",
            )
        await _until_closed(elsewhere)
        assert await refusal(elsewhere.create()) == ("UNAVAILABLE", "Error: voice session is already closed")
        assert [await elsewhere.has(entry) for entry in ("1", "2", "3")] == [True, True, False]


async def _until_closed(call: Call) -> None:
    async with timeout(10):
        closed = await refusal(_again(call))
    assert closed == ("INVALID_REQUEST", "Error: voice session is closed")


async def what_makes_no_sense_is_refused_in_the_gateways_words(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = Call(connection)
        await call.create()
        begin = "invalid talk.client.transcript params: "
        role = "at /role: must be equal to constant; at /role: must match a schema in anyOf"
        for given, words in (
            ({"text": "x", "color": "red"}, "at root: unexpected property 'color'"),
            ({"text": ""}, "at /text: must not have fewer than 1 characters"),
            ({"text": "x", "role": "system"}, role),
            ({"text": "x", "entryId": "a:b"}, 'at /entryId: must match pattern "^[A-Za-z0-9_-]{1,128}$"'),
            ({}, "must have required property 'text'"),
        ):
            said = {"entryId": "1", "role": "user"} | given
            answer = connection.call("talk.client.transcript", **call.names, **said)
            assert await refusal(answer) == ("INVALID_REQUEST", begin + words)
        for limit, words in ((0, "must be >= 1"), (1001, "must be <= 1000")):
            code, message = await refusal(call.rows(limit=limit))
            assert (code, message) == ("INVALID_REQUEST", f"invalid chat.history params: at /limit: {words}")
        assert await call.rows() == []


async def unknown_agents_and_providers_are_refused(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = Call(connection)
        assert await refusal(call.create(provider="nobody")) == (
            "UNAVAILABLE",
            'Error: Realtime voice provider "nobody" is not registered',
        )
        call.names["sessionKey"] = "agent:nobody:main"
        assert await refusal(call.create()) == (
            "INVALID_REQUEST",
            'Unknown agent id "nobody". Run openclaw agents list to see configured agents.',
        )


async def a_blank_text_is_taken_and_dropped(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = Call(connection)
        await call.create()
        assert await call.add("1", "user", "   ") == {"ok": True}
        assert (await call.rows(), await call.has("1")) == ([], False)


async def a_long_text_is_cut_at_8000_units_and_never_inside_a_character(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = Call(connection)
        await call.create()
        await call.add("1", "user", "é" * 8500)
        await call.add("2", "assistant", "a" + "🐈" * 4000)
        first, second = [row["content"][0]["text"] for row in await call.rows(maxChars=500_000)]
        assert first == "é" * 8000
        assert second == "a" + "🐈" * 3999


async def history_is_read_page_by_page_from_the_newest(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = Call(connection)
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
        call = Call(connection)
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
        call = Call(connection)
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


async def the_catalog_tells_whether_a_voice_session_could_open(opened: Open) -> None:
    async with opened(*READER) as connection:
        assert await _configured(connection) == (True, True)


async def without_a_key_no_voice_session_opens(opened: Open) -> None:
    """For a gateway that knows no key of OpenAI's."""
    async with opened(*READER) as connection:
        assert await _configured(connection) == (False, False)
        assert await refusal(Call(connection).create()) == (
            "UNAVAILABLE",
            'Error: Realtime voice provider "openai" is not configured',
        )


async def with_the_plugin_a_voice_session_is_nobodys(opened: Open) -> None:
    """For a gateway that knows no key of OpenAI's, and has our plugin."""
    async with opened(*READER) as other:
        async with opened(*READER) as connection:
            assert await _configured(connection) == (True, False)
            call = Call(connection)
            created = await _create_with_plugin(call)
            assert "expiresAt" not in created
            await call.add("1", "user", "one")
        call.connection = other
        await _create_with_plugin(call)
        assert await call.add("2", "assistant", "two") == {"ok": True}
        assert await call.close() == {"ok": True}
        assert await call.texts() == [("user", "one"), ("assistant", "two")]
        unnamed = await other.call("talk.client.create", sessionKey=new_key())
        assert unnamed["provider"] == "voice-bridge"


async def _create_with_plugin(call: Call) -> dict[str, Any]:
    plugin = {"provider": "voice-bridge", "transport": "provider-websocket"}
    return await call.connection.call("talk.client.create", **call.names, **plugin)


async def _configured(connection: Connection) -> tuple[bool, bool]:
    realtime = (await connection.call("talk.catalog"))["realtime"]
    (openai,) = [one for one in realtime["providers"] if one["id"] == "openai"]
    return realtime["ready"], openai["configured"]


async def a_voice_session_ends_by_itself(opened: Open, seconds: float) -> None:
    """For whoever has the time: after so many seconds (60) it is as if it had been closed."""
    async with opened(*READER) as connection:
        call = Call(connection)
        await call.create()
        await call.add("1", "user", "one")
        async with timeout(seconds + 10):
            closed = await refusal(_again(call))
        assert closed == ("INVALID_REQUEST", "Error: voice session is closed")
        assert await refusal(call.create()) == ("UNAVAILABLE", "Error: voice session is already closed")
        assert await call.close() == {"ok": True}
        assert await call.texts() == [("user", "one")]


async def _again(call: Call) -> None:
    while True:
        await call.add("1", "user", "one")


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
    a_call_is_kept_in_order_under_the_ids_it_came_with,
    a_conversation_nobody_began_is_empty_and_idle,
    a_repeat_adds_nothing_whatever_its_time,
    another_text_or_speaker_is_a_conflict_that_keeps_the_session_open,
    a_closed_session_takes_nothing_more,
    a_session_belongs_to_its_key,
    a_session_ends_with_the_connection_that_opened_it,
    what_makes_no_sense_is_refused_in_the_gateways_words,
    unknown_agents_and_providers_are_refused,
    a_blank_text_is_taken_and_dropped,
    a_long_text_is_cut_at_8000_units_and_never_inside_a_character,
    history_is_read_page_by_page_from_the_newest,
    a_session_is_named_by_a_patch_and_names_are_unique,
    rows_are_told_to_whoever_follows_them,
    a_turn_is_told_from_its_start_until_the_session_is_idle,
    a_reset_hides_what_was_said_but_does_not_forget_it,
    the_catalog_tells_whether_a_voice_session_could_open,
]
"""What any gateway of that release promises, its agent once configured and with a key of OpenAI's."""
