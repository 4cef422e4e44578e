"""What the service sends over a sideband, one function for each type of event."""

from collections.abc import Callable
from typing import Any

import orjson

from sandbox.openai import session_config
from sandbox.openai.call import RealtimeCall
from sandbox.openai.conversation import ROOT, Item, new_id
from sandbox.openai.errors import OpenAIRefusalError
from sandbox.openai.sideband import Sideband

Event = dict[str, Any]


def receive(call: RealtimeCall, sideband: Sideband, text: str) -> None:
    """Do what an event asks; a refusal goes back to who sent it, with the event's own id."""
    event = _read(text)
    try:
        call.client_events.append(event)
        _handler(event)(call, event)
    except OpenAIRefusalError as refusal:
        error = {**refusal.as_json(), "event_id": event.get("event_id")}
        sideband.send(call.frame("error", error=error))
    call.world.watch.changed()


def _read(text: str) -> Event:
    """Read an event; what is no JSON object is one without a type."""
    try:
        event = orjson.loads(text)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _handler(event: Event) -> Callable[[RealtimeCall, Event], None]:
    kind = event.get("type")
    if kind is None:
        raise _refusal("missing_required_parameter", "Missing required parameter: 'type'.", "type")
    if kind not in _HANDLERS:
        known = ", ".join(f"'{name}'" for name in _HANDLERS)
        raise _refusal("invalid_value", f"Invalid value: '{kind}'. Supported values are: {known}.", "type")
    return _HANDLERS[kind]


def _refusal(code: str, message: str, param: str | None = None) -> OpenAIRefusalError:
    return OpenAIRefusalError(400, code, message, param)


def _session_update(call: RealtimeCall, event: Event) -> None:
    given = session_config.check(event.get("session"), call.world.switches)
    session = call.session or {}
    if given.pop("model", session["model"]) != session["model"]:
        raise _refusal("cannot_update_model", "The model of a session cannot be changed.", "session.model")
    call.session = session_config.merged(session, given)
    call.emit("session.updated", session=call.session)


def _response_create(call: RealtimeCall, event: Event) -> None:
    params = event.get("response") or {}
    if params.get("conversation") == "none":
        raise _refusal("invalid_value", "Out-of-band responses are not played here.", "response.conversation")
    if call.floor.active:
        raise _refusal(
            "conversation_already_has_active_response",
            f"Conversation already has an active response in progress: {call.floor.active.id}."
            " Wait until the response is finished before creating a new one.",
        )
    call.floor.respond(call.floor.reply_to(params), params.get("metadata"))


def _response_cancel(call: RealtimeCall, _event: Event) -> None:
    if not call.floor.active:
        raise _refusal("response_cancel_not_active", "Cancellation failed: no active response found")
    call.floor.active.cut("client_cancelled")


def _item_create(call: RealtimeCall, event: Event) -> None:
    given = event.get("item") or {}
    after = event.get("previous_item_id")
    if after not in {None, ROOT} and not call.conversation.find(after):
        raise _refusal("item_not_found", f"Item with id '{after}' does not exist.", "previous_item_id")
    match given.get("type"):
        case "message" if given.get("role") in {"user", "system", "assistant"} and given.get("content"):
            body = {"id": new_id("item"), "status": "completed", **given}
        case "function_call_output":
            if not call.conversation.tool_call(given.get("call_id")):
                raise _refusal(
                    "invalid_value", f"Tool call ID '{given.get('call_id')}' not found.", "item.call_id"
                )
            body = {"id": new_id("item"), **given, "output": str(given.get("output", ""))}
        case _:
            raise _refusal("invalid_value", "The item is not one that can be created.", "item")

    def add() -> None:
        item = Item(body)
        call.add_item(item, after)
        call.finish_item(item)

    # The output of a function may be sent at any time; it is taken in when the model has finished speaking.
    if body["type"] == "function_call_output":
        call.floor.when_free(add)
    else:
        add()


def _existing(call: RealtimeCall, event: Event, verb: str) -> Item:
    if item := call.conversation.find(event.get("item_id")):
        return item
    raise _refusal(
        f"item_{verb}_invalid_item_id",
        f"Error: the item with id '{event.get('item_id')}' does not exist.",
        "item_id",
    )


def _item_retrieve(call: RealtimeCall, event: Event) -> None:
    item = _existing(call, event, "retrieve")
    call.emit("conversation.item.retrieved", item=item.as_wire())


def _item_delete(call: RealtimeCall, event: Event) -> None:
    item = _existing(call, event, "delete")
    call.conversation.items.remove(item)
    call.emit("conversation.item.deleted", item_id=item.id)


def _item_truncate(call: RealtimeCall, event: Event) -> None:
    item = _existing(call, event, "truncate")
    asked = int(event.get("audio_end_ms") or 0)
    if not item.is_spoken_answer:
        raise _refusal("invalid_value", "Only model output audio messages can be truncated", "item_id")
    if asked > item.audio_ms:
        raise _refusal(
            "invalid_value",
            f"Audio content of {item.audio_ms}ms is already shorter than {asked}ms",
            "audio_end_ms",
        )
    item.truncated_ms = asked
    call.emit("conversation.item.truncated", item_id=item.id, content_index=0, audio_end_ms=asked)


def _output_clear(call: RealtimeCall, _event: Event) -> None:
    call.floor.clear()


def _input_clear(call: RealtimeCall, _event: Event) -> None:
    call.emit("input_audio_buffer.cleared")


def _input_commit(_call: RealtimeCall, _event: Event) -> None:
    raise _refusal(
        "input_audio_buffer_commit_empty",
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio,"
        " but buffer only has 0.00ms of audio.",
    )


def _input_append(_call: RealtimeCall, _event: Event) -> None:
    """Take it without a word: the caller's audio comes over the telephone."""


_HANDLERS: dict[str, Callable[[RealtimeCall, Event], None]] = {
    "session.update": _session_update,
    "response.create": _response_create,
    "response.cancel": _response_cancel,
    "conversation.item.create": _item_create,
    "conversation.item.retrieve": _item_retrieve,
    "conversation.item.delete": _item_delete,
    "conversation.item.truncate": _item_truncate,
    "output_audio_buffer.clear": _output_clear,
    "input_audio_buffer.append": _input_append,
    "input_audio_buffer.clear": _input_clear,
    "input_audio_buffer.commit": _input_commit,
}
