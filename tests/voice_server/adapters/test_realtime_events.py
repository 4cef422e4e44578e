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
from shared.events import Usage
from tests.voice_server.openai_events import MEANINGS, Json
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer


def frame(kind: str, **fields: Any) -> bytes:
    return orjson.dumps({"type": kind, "event_id": "event_1", **fields})


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


@pytest.mark.parametrize(
    "missing", [{}, {"text_tokens": None}, {"cached_tokens_details": {"audio_tokens": None}}]
)
def test_what_is_missing_of_a_usage_counts_nothing_and_costs_no_event(missing: Json) -> None:
    response = {"id": "r1", "status": "completed", "usage": {"input_token_details": missing}}
    assert signals_of(frame("response.done", response=response)) == [s.ResponseEnded("r1", (), Usage())]


@pytest.mark.parametrize(
    ("billed", "seconds"),
    [
        ({"type": "duration", "seconds": 3.5}, 3.5),
        ({"type": "tokens", "input_token_details": {"audio_tokens": 13}, "output_tokens": 9}, 1.3),
        ({"type": "duration", "seconds": None}, 0),
        ({"type": "tokens", "input_token_details": None}, 0),
        (None, 0),
    ],
)
def test_a_transcription_is_counted_in_seconds_however_it_is_billed(
    billed: Json | None, seconds: float
) -> None:
    event = frame(
        "conversation.item.input_audio_transcription.completed", item_id="i1", transcript="Hi", usage=billed
    )
    (transcribed,) = signals_of(event)
    assert isinstance(transcribed, s.CallerTranscribed)
    assert transcribed.usage == Usage(transcription_seconds=seconds)
