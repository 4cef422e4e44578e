"""OpenAI's Realtime events, translated into signals.

Unknown events and fields are normal: OpenAI adds them without notice. Both the present (GA) and the older
(beta) names are understood.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from services.voice_server.domain import signals as s
from shared.events import Speaker, Usage

Event = dict[str, Any]

_SPEAKERS = {"user": Speaker.CALLER, "assistant": Speaker.ASSISTANT}
_OUTPUT = "function_call_output"
_TOKENS_PER_SECOND = 10


class MalformedEventError(Exception):
    """The frame is not an event as OpenAI documents it."""


def signals_of(frame: str | bytes) -> list[s.Signal]:
    """Translate one frame; empty for an event that means nothing to a call.

    Raises:
        MalformedEventError: it is no JSON object, or lacks what its type promises.
    """
    try:
        event = orjson.loads(frame)
        translate = _TRANSLATIONS.get(event["type"].strip())
        return translate(event) if translate else []
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedEventError(type(error).__name__) from error


def _text(event: Event, name: str) -> str:
    value = event[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _text_or_none(event: Event, name: str) -> str | None:
    return None if event.get(name) is None else _text(event, name)


def _item_added(event: Event) -> list[s.Signal]:
    item = event["item"]
    speaker = _SPEAKERS.get(item.get("role")) if item["type"] == "message" else None
    added = s.ItemAdded(_text(item, "id"), _text_or_none(event, "previous_item_id"), speaker)
    return [added, s.OutputTaken(_text(item, "call_id"))] if item["type"] == _OUTPUT else [added]


def _item_retrieved(event: Event) -> list[s.Signal]:
    item = event["item"]
    if item["type"] != "message" or item.get("role") not in _SPEAKERS:
        return []
    texts = [part.get("transcript", part.get("text")) for part in item.get("content") or []]
    complete = item.get("status") != "in_progress" and None not in texts
    return [s.ItemRetrieved(_text(item, "id"), _SPEAKERS[item["role"]], "".join(texts) if complete else None)]


def _committed(event: Event) -> list[s.Signal]:
    previous = _text_or_none(event, "previous_item_id")
    return [s.ItemAdded(_text(event, "item_id"), previous, Speaker.CALLER)]


def _output_item_added(event: Event) -> list[s.Signal]:
    item = event["item"]
    if item["type"] != "message":
        return []
    return [s.ItemAssigned(_text(item, "id"), _text(event, "response_id"))]


def _assistant_delta(event: Event) -> list[s.Signal]:
    return [s.TextGrew(_text(event, "item_id"), Speaker.ASSISTANT, _text(event, "delta"))]


def _assistant_text(name: str) -> Callable[[Event], list[s.Signal]]:
    return lambda event: [s.TextWritten(_text(event, "item_id"), _text(event, name))]


def _caller_delta(event: Event) -> list[s.Signal]:
    text = _text_or_none(event, "delta") or ""
    return [s.TextGrew(_text(event, "item_id"), Speaker.CALLER, text)]


def _caller_text(event: Event) -> list[s.Signal]:
    billed = event.get("usage") or {}
    tokens = _count(billed.get("input_token_details") or {}, "audio_tokens")
    seconds = _count(billed, "seconds") or tokens / _TOKENS_PER_SECOND
    usage, text = Usage(transcription_seconds=seconds), _text_or_none(event, "transcript")
    return [s.CallerTranscribed(_text(event, "item_id"), text, usage)]


def _caller_text_failed(event: Event) -> list[s.Signal]:
    return [s.CallerTranscribed(_text(event, "item_id"), None, Usage())]


def _truncated(event: Event) -> list[s.Signal]:
    return [s.ItemCut(_text(event, "item_id"))]


def _playback_ended(*, cut: bool) -> Callable[[Event], list[s.Signal]]:
    return lambda event: [s.PlaybackEnded(_text(event, "response_id"), cut)]


def _response_created(event: Event) -> list[s.Signal]:
    response = event["response"]
    request_id = _text_or_none(response.get("metadata") or {}, "request_id")
    return [s.ResponseStarted(_text(response, "id"), request_id)]


def _response_done(event: Event) -> list[s.Signal]:
    response = event["response"]
    output, status = response.get("output") or [], response["status"]
    calls = [
        s.ToolCall(_text(item, "call_id"), _text(item, "name"), _text(item, "arguments"))
        for item in output
        if item["type"] == "function_call" and status == "completed"
    ]
    ended = s.ResponseEnded(_text(response, "id"), tuple(calls), usage_of(response.get("usage") or {}))
    spoken = [_text(item, "id") for item in output if item["type"] == "message"]
    return [*(s.ItemCut(item_id) for item_id in spoken if status == "cancelled"), ended]


def usage_of(usage: Mapping[str, Any]) -> Usage:
    """Read the `usage` of a response. Tokens without details count as text, cached ones as text first."""
    taken = usage.get("input_token_details") or {"text_tokens": usage.get("input_tokens")}
    given = usage.get("output_token_details") or {"text_tokens": usage.get("output_tokens")}
    text, audio = _count(taken, "text_tokens"), _count(taken, "audio_tokens")
    cached = taken.get("cached_tokens_details")
    if cached is None:
        all_cached = _count(taken, "cached_tokens")
        cached = {"text_tokens": min(all_cached, text), "audio_tokens": max(0, all_cached - text)}
    return Usage(
        input_text_tokens=text,
        input_audio_tokens=audio,
        cached_text_tokens=min(_count(cached, "text_tokens"), text),
        cached_audio_tokens=min(_count(cached, "audio_tokens"), audio),
        output_text_tokens=_count(given, "text_tokens"),
        output_audio_tokens=_count(given, "audio_tokens"),
    )


def _count(details: Mapping[str, Any], name: str) -> Any:
    # A detail that is missing, or null, must not cost us the event.
    return details.get(name) or 0


def _error(event: Event) -> list[s.Signal]:
    error = event["error"]
    if error.get("code") == "session_expired":
        return [s.SidebandClosed(expired=True)]
    return [s.RequestRefused(_text_or_none(error, "event_id"), str(error.get("code")))]


_TRANSLATIONS: Mapping[str, Callable[[Event], list[s.Signal]]] = {
    "conversation.item.added": _item_added,
    "conversation.item.created": _item_added,
    "conversation.item.retrieved": _item_retrieved,
    "conversation.item.truncated": _truncated,
    "conversation.item.input_audio_transcription.delta": _caller_delta,
    "conversation.item.input_audio_transcription.completed": _caller_text,
    "conversation.item.input_audio_transcription.failed": _caller_text_failed,
    "input_audio_buffer.committed": _committed,
    "input_audio_buffer.speech_started": lambda _: [s.CallerSpoke(goes_on=True)],
    "input_audio_buffer.speech_stopped": lambda _: [s.CallerSpoke(goes_on=False)],
    "input_audio_buffer.dtmf_event_received": lambda _: [s.CallerSpoke(goes_on=False)],
    "input_audio_buffer.timeout_triggered": lambda _: [s.CallerIdled()],
    "output_audio_buffer.started": lambda event: [s.PlaybackStarted(_text(event, "response_id"))],
    "output_audio_buffer.stopped": _playback_ended(cut=False),
    "output_audio_buffer.cleared": _playback_ended(cut=True),
    "response.created": _response_created,
    "response.done": _response_done,
    "response.output_item.added": _output_item_added,
    "response.output_audio_transcript.delta": _assistant_delta,
    "response.audio_transcript.delta": _assistant_delta,
    "response.output_text.delta": _assistant_delta,
    "response.text.delta": _assistant_delta,
    "response.output_audio_transcript.done": _assistant_text("transcript"),
    "response.audio_transcript.done": _assistant_text("transcript"),
    "response.output_text.done": _assistant_text("text"),
    "response.text.done": _assistant_text("text"),
    "error": _error,
}
