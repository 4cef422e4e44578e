"""OpenAI's events as documented and as seen on the wire, by all their names, and what each means."""

from typing import Any

from services.voice_server.domain import signals as s
from shared.events import Speaker, Usage

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
