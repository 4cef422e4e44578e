"""What a service may send over a sideband, and how it is refused."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from sandbox.app import Sandbox
from sandbox.steps import CallerIsSilent, Script
from tests.sandbox import frames
from tests.sandbox.voice_server import SESSION, VoiceServer


class Line:
    """A sideband on a call where nothing happens but what the test does."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, kind: str, **fields: Any) -> None:
        await self._socket.send_json({"type": kind, "event_id": f"ev_{kind}", **fields})

    async def send_text(self, text: str) -> None:
        await self._socket.send_str(text)

    async def until(self, kind: str) -> dict[str, Any]:
        """Read up to the next frame of a type; every frame is judged."""
        while True:
            frame: dict[str, Any] = await self._socket.receive_json(timeout=5)
            frames.check(frame)
            if frame["type"] == kind:
                return frame

    async def refusal(self) -> tuple[str, str]:
        """The code of the next error, and whose event it refuses."""
        error = (await self.until("error"))["error"]
        return error["code"], error["event_id"]


@pytest.fixture
async def line(sandbox: Sandbox, voice_server: VoiceServer) -> AsyncIterator[Line]:
    voice_server.decides = "ignore"
    call = sandbox.phone_in(script=Script((CallerIsSilent(),)))
    assert await voice_server.post(call.id, "accept", SESSION) == 200
    socket = await voice_server.attach(call.id)
    yield Line(socket)
    await socket.close()


def _says(words: str) -> dict[str, Any]:
    return {"response": {"instructions": f'Say "{words}"', "metadata": {"words": words}}}


LONG = "This is a very long answer that goes on and on, and on again. " * 8


async def test_a_session_changes_where_it_may_and_is_echoed_whole(line: Line) -> None:
    await line.send("session.update", session={"type": "realtime", "instructions": "Be brief."})
    session = (await line.until("session.updated"))["session"]
    assert session["instructions"] == "Be brief."
    assert session["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
    assert [tool["name"] for tool in session["tools"]] == ["ask_openclaw", "end_call"]


@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({}, "missing_required_parameter"),
        ({"type": "realtime", "temperature": 1}, "unknown_parameter"),
        ({"type": "realtime", "model": "gpt-realtime-2"}, "cannot_update_model"),
    ],
)
async def test_a_session_does_not_change_otherwise(line: Line, session: dict[str, Any], code: str) -> None:
    await line.send("session.update", session=session)
    assert await line.refusal() == (code, "ev_session.update")


async def test_a_second_response_is_refused_and_the_first_goes_on(line: Line) -> None:
    await line.send("response.create", **_says("One."))
    await line.send("response.create", **_says("Two."))
    created = await line.until("response.created")
    code = "conversation_already_has_active_response"
    assert await line.refusal() == (code, "ev_response.create")
    done = await line.until("response.done")
    assert done["response"]["id"] == created["response"]["id"]
    assert done["response"]["metadata"] == {"words": "One."}


async def test_two_answers_are_heard_one_after_the_other(line: Line) -> None:
    await line.send("response.create", **_says("One and a half."))
    first = (await line.until("response.done"))["response"]["id"]
    await line.send("response.create", **_says("Two."))
    assert (await line.until("output_audio_buffer.stopped"))["response_id"] == first
    assert (await line.until("output_audio_buffer.started"))["response_id"] != first


async def test_a_response_can_be_cancelled_and_its_voice_cleared(line: Line) -> None:
    await line.send("response.create", **_says(LONG))
    await line.until("output_audio_buffer.started")
    await line.send("response.cancel")
    await line.send("output_audio_buffer.clear")
    done = (await line.until("response.done"))["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "client_cancelled")
    assert (await line.until("output_audio_buffer.cleared"))["response_id"] == done["id"]
    truncated = await line.until("conversation.item.truncated")
    await line.send("conversation.item.retrieve", item_id=truncated["item_id"])
    item = (await line.until("conversation.item.retrieved"))["item"]
    assert item["content"][0]["transcript"] is None


async def test_a_response_cancelled_before_its_first_word_has_no_output(line: Line) -> None:
    await line.send("response.create", **_says("Too late."))
    await line.send("response.cancel")
    await line.until("response.created")
    done = (await line.until("response.done"))["response"]
    assert (done["status"], done["output"]) == ("cancelled", [])


async def test_cancelling_nothing_is_refused(line: Line) -> None:
    await line.send("response.cancel")
    assert await line.refusal() == ("response_cancel_not_active", "ev_response.cancel")


async def test_an_item_is_created_where_it_was_wanted(line: Line) -> None:
    text = [{"type": "input_text", "text": "Background."}]
    for item_id in ("item_1", "item_2"):
        item = {"id": item_id, "type": "message", "role": "system", "content": text}
        await line.send("conversation.item.create", item=item)
        await line.until("conversation.item.done")
    first = {"id": "item_0", "type": "message", "role": "user", "content": text}
    await line.send("conversation.item.create", previous_item_id="root", item=first)
    assert (await line.until("conversation.item.added"))["previous_item_id"] is None
    between = {"id": "item_b", "type": "message", "role": "user", "content": text}
    await line.send("conversation.item.create", previous_item_id="item_1", item=between)
    assert (await line.until("conversation.item.added"))["previous_item_id"] == "item_1"
    await line.send("conversation.item.delete", item_id="item_b")
    assert (await line.until("conversation.item.deleted"))["item_id"] == "item_b"


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("nonsense", {}, "invalid_value"),
        ("conversation.item.create", {"item": {"type": "message", "role": "user"}}, "invalid_value"),
        (
            "conversation.item.create",
            {"item": {"type": "function_call_output", "call_id": "call_0", "output": ""}},
            "invalid_value",
        ),
        ("conversation.item.create", {"previous_item_id": "item_9", "item": {}}, "item_not_found"),
        ("conversation.item.retrieve", {"item_id": "item_9"}, "item_retrieve_invalid_item_id"),
        ("conversation.item.delete", {"item_id": "item_9"}, "item_delete_invalid_item_id"),
        ("conversation.item.truncate", {"item_id": "item_9"}, "item_truncate_invalid_item_id"),
        ("input_audio_buffer.commit", {}, "input_audio_buffer_commit_empty"),
        ("response.create", {"response": {"conversation": "none"}}, "invalid_value"),
    ],
)
async def test_an_event_that_cannot_be_done_is_refused_by_its_id(
    line: Line, kind: str, fields: dict[str, Any], code: str
) -> None:
    await line.send(kind, **fields)
    assert await line.refusal() == (code, f"ev_{kind}")


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
async def test_what_is_no_event_is_refused(line: Line, text: str) -> None:
    await line.send_text(text)
    assert (await line.until("error"))["error"]["event_id"] is None


async def test_the_callers_audio_comes_by_telephone_only(line: Line) -> None:
    await line.send("input_audio_buffer.append", audio="AAAA")
    await line.send("input_audio_buffer.clear")
    await line.until("input_audio_buffer.cleared")


async def test_truncation_keeps_within_what_was_spoken(line: Line) -> None:
    await line.send("response.create", **_says("Two seconds of voice, or so."))
    item_id = (await line.until("response.done"))["response"]["output"][0]["id"]
    truncate = {"item_id": item_id, "content_index": 0}
    await line.send("conversation.item.truncate", **truncate, audio_end_ms=57_340)
    error = (await line.until("error"))["error"]
    assert error["message"] == "Audio content of 1867ms is already shorter than 57340ms"
    await line.send("conversation.item.truncate", **truncate, audio_end_ms=900)
    assert (await line.until("conversation.item.truncated"))["audio_end_ms"] == 900
    text = [{"type": "input_text", "text": "Hi"}]
    user = {"id": "item_u", "type": "message", "role": "user", "content": text}
    await line.send("conversation.item.create", item=user)
    await line.send("conversation.item.truncate", item_id="item_u", content_index=0, audio_end_ms=1)
    assert (await line.until("error"))["error"]["message"].startswith("Only model output audio")
