"""Each event of OpenAI's and what it means; and that no frame, whatever it holds, does harm."""

import copy
from collections.abc import Iterator
from typing import Any, get_type_hints

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from sandbox.app import Sandbox
from services.voice_server.adapters.realtime_events import MalformedEventError, signals_of, usage_of
from services.voice_server.domain import signals as s
from shared.events import Speaker, Usage
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer

Json = dict[str, Any]

MESSAGE = {"id": "item_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
HEARD = {"id": "item_2", "type": "message", "role": "user", "status": "completed"}
FUNCTION = {
    "id": "item_3",
    "type": "function_call",
    "status": "completed",
    "name": "ask_openclaw",
    "call_id": "call_1",
    "arguments": '{"request": "Oslo?"}',
}
TOOL_CALL = s.ToolCall("call_1", "ask_openclaw", '{"request": "Oslo?"}')


def frame(kind: str, **fields: Any) -> bytes:
    return orjson.dumps({"type": kind, "event_id": "event_1", **fields})


def response(status: str, *output: Json, **fields: Any) -> Json:
    return {"id": "resp_1", "status": status, "output": list(output), **fields}


MEANINGS: list[tuple[tuple[str, ...], Json, list[s.Signal]]] = [
    (
        ("conversation.item.added", "conversation.item.created"),
        {"previous_item_id": "item_0", "item": MESSAGE},
        [s.ItemAdded("item_1", "item_0", Speaker.ASSISTANT)],
    ),
    (
        ("conversation.item.added",),
        {"previous_item_id": None, "item": HEARD | {"content": [{"type": "input_audio"}]}},
        [s.ItemAdded("item_2", None, Speaker.CALLER)],
    ),
    (
        ("conversation.item.added",),
        {"item": {"id": "item_9", "type": "message", "role": "system", "content": []}},
        [s.ItemAdded("item_9", None, None)],
    ),
    (
        ("conversation.item.added",),
        {"previous_item_id": "item_2", "item": FUNCTION},
        [s.ItemAdded("item_3", "item_2", None)],
    ),
    (
        ("input_audio_buffer.committed",),
        {"item_id": "item_2", "previous_item_id": "item_1"},
        [s.ItemAdded("item_2", "item_1", Speaker.CALLER)],
    ),
    (
        ("conversation.item.retrieved",),
        {"item": HEARD | {"content": [{"type": "input_audio", "transcript": "Hi."}]}},
        [s.ItemRetrieved("item_2", Speaker.CALLER, "Hi.")],
    ),
    (
        ("conversation.item.retrieved",),
        {"item": HEARD | {"content": [{"type": "input_audio", "transcript": None}]}},
        [s.ItemRetrieved("item_2", Speaker.CALLER, None)],
    ),
    (
        ("conversation.item.retrieved",),
        {"item": MESSAGE | {"content": [{"type": "output_audio", "transcript": "Hel"}]}},
        [s.ItemRetrieved("item_1", Speaker.ASSISTANT, None)],
    ),
    (("conversation.item.retrieved",), {"item": FUNCTION}, []),
    (("conversation.item.truncated",), {"item_id": "item_1", "audio_end_ms": 900}, [s.ItemCut("item_1")]),
    (
        ("conversation.item.input_audio_transcription.delta",),
        {"item_id": "item_2", "content_index": 0, "delta": "Hel", "obfuscation": "x"},
        [s.TextGrew("item_2", Speaker.CALLER, "Hel")],
    ),
    (
        ("conversation.item.input_audio_transcription.completed",),
        {"item_id": "item_2", "transcript": "Hello.", "usage": {"type": "duration", "seconds": 3}},
        [s.CallerTranscribed("item_2", "Hello.", Usage(transcription_seconds=3))],
    ),
    (
        ("conversation.item.input_audio_transcription.completed",),
        {
            "item_id": "item_2",
            "transcript": "",
            "usage": {"type": "tokens", "input_token_details": {"audio_tokens": 13}},
        },
        [s.CallerTranscribed("item_2", "", Usage(transcription_seconds=1.3))],
    ),
    (
        ("conversation.item.input_audio_transcription.completed",),
        {"item_id": "item_2", "transcript": "Hello."},
        [s.CallerTranscribed("item_2", "Hello.", Usage())],
    ),
    (
        ("conversation.item.input_audio_transcription.failed",),
        {"item_id": "item_2", "error": {"code": "audio_unintelligible"}},
        [s.CallerTranscribed("item_2", None, Usage())],
    ),
    (("input_audio_buffer.speech_started",), {"item_id": "item_2"}, [s.CallerSpoke(goes_on=True)]),
    (("input_audio_buffer.speech_stopped",), {"item_id": "item_2"}, [s.CallerSpoke(goes_on=False)]),
    (
        ("input_audio_buffer.dtmf_event_received", " input_audio_buffer.dtmf_event_received"),
        {"event": "9", "received_at": 1763605109},
        [s.CallerSpoke(goes_on=False)],
    ),
    (("output_audio_buffer.started",), {"response_id": "resp_1"}, [s.PlaybackStarted("resp_1")]),
    (("output_audio_buffer.stopped",), {"response_id": "resp_1"}, [s.PlaybackEnded("resp_1", cut=False)]),
    (("output_audio_buffer.cleared",), {"response_id": "resp_1"}, [s.PlaybackEnded("resp_1", cut=True)]),
    (
        ("response.created",),
        {"response": response("in_progress", metadata={"request_id": "response_1"})},
        [s.ResponseStarted("resp_1", "response_1")],
    ),
    (
        ("response.created",),
        {"response": response("in_progress", metadata=None)},
        [s.ResponseStarted("resp_1", None)],
    ),
    (
        ("response.output_item.added",),
        {"response_id": "resp_1", "item": MESSAGE},
        [s.ItemAssigned("item_1", "resp_1")],
    ),
    (("response.output_item.added",), {"response_id": "resp_1", "item": FUNCTION}, []),
    (
        (
            "response.output_audio_transcript.delta",
            "response.audio_transcript.delta",
            "response.output_text.delta",
            "response.text.delta",
        ),
        {"response_id": "resp_1", "item_id": "item_1", "delta": " you"},
        [s.TextGrew("item_1", Speaker.ASSISTANT, " you")],
    ),
    (
        ("response.output_audio_transcript.done", "response.audio_transcript.done"),
        {"response_id": "resp_1", "item_id": "item_1", "transcript": "Thank you."},
        [s.TextWritten("item_1", "Thank you.")],
    ),
    (
        ("response.output_text.done", "response.text.done"),
        {"response_id": "resp_1", "item_id": "item_1", "text": "Thank you."},
        [s.TextWritten("item_1", "Thank you.")],
    ),
    (
        ("response.done",),
        {"response": response("completed", MESSAGE, FUNCTION, usage=None)},
        [s.ResponseEnded("resp_1", (TOOL_CALL,), Usage())],
    ),
    (
        ("response.done",),
        {"response": response("cancelled", MESSAGE, FUNCTION)},
        [s.ItemCut("item_1"), s.ResponseEnded("resp_1", (), Usage())],
    ),
    (
        ("response.done",),
        {"response": response("incomplete", FUNCTION)},
        [s.ResponseEnded("resp_1", (), Usage())],
    ),
    (("response.done",), {"response": response("failed")}, [s.ResponseEnded("resp_1", (), Usage())]),
    (
        ("error",),
        {"error": {"code": "conversation_already_has_active_response", "event_id": "response_2"}},
        [s.RequestRefused("response_2", "conversation_already_has_active_response")],
    ),
    (("error",), {"error": {"code": None, "event_id": None}}, [s.RequestRefused(None, "None")]),
]


@pytest.mark.parametrize(
    ("kind", "fields", "signals"),
    [(kind, fields, signals) for kinds, fields, signals in MEANINGS for kind in kinds],
)
def test_an_event_means(kind: str, fields: Json, signals: list[s.Signal]) -> None:
    assert signals_of(frame(kind, **fields)) == signals
    assert signals_of(frame(kind, **fields).decode()) == signals
    assert signals_of(frame(kind, **fields, something_new={"deep": [1]})) == signals


@pytest.mark.parametrize(
    "kind",
    [
        "session.created",
        "session.updated",
        "conversation.item.done",
        "conversation.item.deleted",
        "response.output_audio.delta",
        "response.function_call_arguments.done",
        "rate_limits.updated",
        "something.entirely.new",
        "",
    ],
)
def test_every_other_event_means_nothing(kind: str) -> None:
    assert signals_of(frame(kind)) == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\x00\x01\xff",
        b"{",
        b"[" * 10_000,
        b"null",
        b"[]",
        b"7",
        b'"response.done"',
        b"{}",
        b'{"type": null}',
        b'{"type": 7}',
        b'{"type": ["response.done"]}',
        b'{"type": "response.done"}',
        b'{"type": "response.done", "response": null}',
        b'{"type": "response.done", "response": {"id": "resp_1"}}',
        b'{"type": "conversation.item.added", "item": "item_1"}',
        b'{"type": "error"}',
    ],
    ids=lambda text: text[:40],
)
def test_a_frame_that_is_no_event_is_malformed_and_nothing_else(text: bytes) -> None:
    with pytest.raises(MalformedEventError):
        signals_of(text)


def test_a_huge_frame_is_read_like_any_other() -> None:
    words = "word " * 1_000_000
    assert signals_of(frame("response.output_audio_transcript.done", item_id="item_1", transcript=words)) == [
        s.TextWritten("item_1", words)
    ]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Name every place in a document."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from places(part, (*path, name))


def changed(document: Json, path: tuple[Any, ...], value: Any) -> Json:
    """Put something else into one place of a document."""
    result = copy.deepcopy(document)
    *way, last = path
    place = result
    for name in way:
        place = place[name]
    place[last] = value
    return result


def is_sound(signal: s.Signal) -> bool:
    try:
        for name, promised in get_type_hints(type(signal)).items():
            TypeAdapter(promised).validate_python(getattr(signal, name), strict=True)
    except ValidationError:
        return False
    return True


JUNK: tuple[Any, ...] = (None, 7, -1, "", "junk", [], [None], {}, {"id": None})


@pytest.mark.parametrize(("kinds", "fields", "_signals"), MEANINGS)
def test_whatever_stands_in_a_field_a_signal_holds_what_it_promises(
    kinds: tuple[str, ...], fields: Json, _signals: list[s.Signal]
) -> None:
    document = {"type": kinds[0], **fields}
    for path in places(document):
        for junk in JUNK:
            try:
                signals = signals_of(orjson.dumps(changed(document, path, junk)))
            except MalformedEventError:
                continue
            assert all(is_sound(signal) for signal in signals), (path, junk, signals)


def test_usage_is_split_by_modality_and_by_what_was_cached() -> None:
    usage = {
        "input_token_details": {
            "text_tokens": 100,
            "audio_tokens": 50,
            "cached_tokens": 84,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 20},
        },
        "output_token_details": {"text_tokens": 44, "audio_tokens": 16, "reasoning_tokens": 31},
    }
    assert usage_of(usage) == Usage(
        input_text_tokens=100,
        input_audio_tokens=50,
        cached_text_tokens=64,
        cached_audio_tokens=20,
        output_text_tokens=44,
        output_audio_tokens=16,
    )


@pytest.mark.parametrize(
    ("taken", "cached"),
    [
        ({"text_tokens": 100, "audio_tokens": 50, "cached_tokens": 84}, (84, 0)),
        ({"text_tokens": 64, "audio_tokens": 50, "cached_tokens": 84}, (64, 20)),
        ({"text_tokens": 100, "audio_tokens": 50}, (0, 0)),
        ({"text_tokens": 100, "cached_tokens": 84, "cached_tokens_details": None}, (84, 0)),
        ({"text_tokens": 10, "audio_tokens": 5, "cached_tokens": 9999}, (10, 5)),
        (
            {"text_tokens": 10, "cached_tokens_details": {"text_tokens": 99, "audio_tokens": 99}},
            (10, 0),
        ),
        (None, (0, 0)),
    ],
)
def test_cached_tokens_without_details_are_text_first_and_never_more_than_all(
    taken: Json | None, cached: tuple[int, int]
) -> None:
    usage = usage_of({"input_token_details": taken, "output_token_details": None})
    assert (usage.cached_text_tokens, usage.cached_audio_tokens) == cached


async def test_every_frame_of_a_whole_call_is_understood(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial(OWNER)
    await bridge.until("call_ended", call_id)
    realtime = sandbox.call(call_id).realtime
    assert realtime is not None
    assert len(realtime.sent) > 100
    signals = [signal for sent in realtime.sent for signal in signals_of(orjson.dumps(sent))]
    assert all(is_sound(signal) for signal in signals)
    assert sum(isinstance(signal, s.ResponseEnded) for signal in signals) == 5
