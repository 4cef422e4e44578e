"""What OpenClaw 2026.9.6 promises about voice sessions, by which finished calls are written into it.

See `gateway_promises` for what a promise is.
"""

from asyncio import sleep, timeout
from typing import Any

from tests.contract.gateway_client import Connection
from tests.contract.voice_session import READER, Open, VoiceSession, new_key, refusal


async def a_call_is_kept_in_order_under_the_ids_it_came_with(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = VoiceSession(connection)
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


async def a_repeat_adds_nothing_whatever_its_time(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = VoiceSession(connection)
        await call.create()
        for at in (1795350417255, 1795350417999):
            assert await call.add("1", "user", "Hello", timestamp=at) == {"ok": True}
        assert await call.texts() == [("user", "Hello")]


async def another_text_or_speaker_is_a_conflict_that_keeps_the_session_open(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = VoiceSession(connection)
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
        call = VoiceSession(connection)
        await call.create()
        await call.add("1", "user", "one")
        await call.close()
        assert await refusal(call.create()) == ("UNAVAILABLE", "Error: voice session is already closed")
        for entry in ("1", "2"):
            closed = await refusal(call.add(entry, "user", "one"))
            assert closed == ("INVALID_REQUEST", "Error: voice session is closed")


async def a_session_belongs_to_its_key(opened: Open) -> None:
    async with opened(*READER) as connection:
        call, other = VoiceSession(connection), VoiceSession(connection)
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
            call = VoiceSession(connection)
            await call.create()
            await call.add("1", "user", "one")
            elsewhere = VoiceSession(other)
            elsewhere.names = call.names
            assert await elsewhere.add("2", "assistant", "two") == {"ok": True}
            assert await refusal(elsewhere.close()) == (
                "INVALID_REQUEST",
                "Error: Gateway-controlled voice session is not owned by this client",
            )
        await _until_closed(elsewhere)
        assert await refusal(elsewhere.create()) == ("UNAVAILABLE", "Error: voice session is already closed")
        assert [await elsewhere.has(entry) for entry in ("1", "2", "3")] == [True, True, False]


async def _until_closed(call: VoiceSession) -> None:
    async with timeout(10):
        closed = await refusal(_again(call))
    assert closed == ("INVALID_REQUEST", "Error: voice session is closed")


async def what_makes_no_sense_is_refused_in_the_gateways_words(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = VoiceSession(connection)
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
        call = VoiceSession(connection)
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
        call = VoiceSession(connection)
        await call.create()
        assert await call.add("1", "user", "   ") == {"ok": True}
        assert (await call.rows(), await call.has("1")) == ([], False)


async def a_long_text_is_cut_at_8000_units_and_never_inside_a_character(opened: Open) -> None:
    async with opened(*READER) as connection:
        call = VoiceSession(connection)
        await call.create()
        await call.add("1", "user", "é" * 8500)
        await call.add("2", "assistant", "a" + "🐈" * 4000)
        first, second = [row["content"][0]["text"] for row in await call.rows(maxChars=500_000)]
        assert first == "é" * 8000
        assert second == "a" + "🐈" * 3999


async def the_catalog_tells_whether_a_voice_session_could_open(opened: Open) -> None:
    async with opened(*READER) as connection:
        assert await _configured(connection) == (True, True)


async def without_a_key_no_voice_session_opens(opened: Open) -> None:
    """For a gateway that knows no key of OpenAI's."""
    async with opened(*READER) as connection:
        assert await _configured(connection) == (False, False)
        assert await refusal(VoiceSession(connection).create()) == (
            "UNAVAILABLE",
            'Error: Realtime voice provider "openai" is not configured',
        )


async def with_the_plugin_a_voice_session_is_nobodys(opened: Open) -> None:
    """For a gateway that knows no key of OpenAI's, and has our plugin."""
    async with opened(*READER) as other:
        async with opened(*READER) as connection:
            assert await _configured(connection) == (True, False)
            call = VoiceSession(connection)
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


async def _create_with_plugin(call: VoiceSession) -> dict[str, Any]:
    plugin = {"provider": "voice-bridge", "transport": "provider-websocket"}
    return await call.connection.call("talk.client.create", **call.names, **plugin)


async def _configured(connection: Connection) -> tuple[bool, bool]:
    realtime = (await connection.call("talk.catalog"))["realtime"]
    (openai,) = [one for one in realtime["providers"] if one["id"] == "openai"]
    return realtime["ready"], openai["configured"]


async def a_voice_session_ends_by_itself(opened: Open, seconds: float) -> None:
    """For whoever has the time: after so many seconds (60) it is as if it had been closed."""
    async with opened(*READER) as connection:
        call = VoiceSession(connection)
        await call.create()
        await call.add("1", "user", "one")
        async with timeout(seconds + 10):
            closed = await refusal(_again(call, every=seconds / 100))
        assert closed == ("INVALID_REQUEST", "Error: voice session is closed")
        assert await refusal(call.create()) == ("UNAVAILABLE", "Error: voice session is already closed")
        assert await call.close() == {"ok": True}
        assert await call.texts() == [("user", "one")]


async def _again(call: VoiceSession, every: float = 0) -> None:
    while True:
        await call.add("1", "user", "one")
        await sleep(every)  # a real gateway would be busy with nothing else for a minute


PROMISES = [
    a_call_is_kept_in_order_under_the_ids_it_came_with,
    a_repeat_adds_nothing_whatever_its_time,
    another_text_or_speaker_is_a_conflict_that_keeps_the_session_open,
    a_closed_session_takes_nothing_more,
    a_session_belongs_to_its_key,
    a_session_ends_with_the_connection_that_opened_it,
    what_makes_no_sense_is_refused_in_the_gateways_words,
    unknown_agents_and_providers_are_refused,
    a_blank_text_is_taken_and_dropped,
    a_long_text_is_cut_at_8000_units_and_never_inside_a_character,
    the_catalog_tells_whether_a_voice_session_could_open,
]
"""What any gateway of that release promises that has a key of OpenAI's."""
