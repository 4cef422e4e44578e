"""One response of the model: frame by frame as OpenAI generates it, and how it is cut short."""

import asyncio
import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.openai.conversation import Item, new_id
from sandbox.openai.playback import Playback, spoken_ms

if TYPE_CHECKING:
    from sandbox.openai.call import RealtimeCall

Midway = Callable[[], None]
"""Something that happens while a response is being generated."""

_THINKING_SECONDS = 0.3
_GENERATED_PER_SECOND = 150  # characters: ten times faster than they are spoken


@dataclass(frozen=True)
class ToolCall:
    """A function the model wants called."""

    name: str
    arguments: dict[str, str]
    call_id: str


@dataclass(frozen=True)
class Reply:
    """What the model says, then calls, in one response."""

    words: str = ""
    tools: tuple[ToolCall, ...] = ()


class Response:
    """Generate a reply.

    Attributes:
        half: set when half of its words have been generated, at the latest with `generated`.
        generated: set when `response.done` has been sent or the call is over.
        playback: its voice, from the first word on.
    """

    def __init__(
        self,
        call: "RealtimeCall",
        reply: Reply,
        metadata: dict[str, str] | None,
        midway: Midway | None,
        before: "Response | None",
    ) -> None:
        self.id = new_id("resp")
        self.half, self.generated = asyncio.Event(), asyncio.Event()
        self.playback: Playback | None = None
        self.spoken: Item | None = None
        self._call = call
        self._reply = reply
        self._metadata = metadata
        self._midway = midway
        self._before = before.playback if before else None
        self._context = list(call.conversation.items)
        self._output: list[Item] = []
        self._open: Item | None = None
        self._task: asyncio.Task[Any] | None = None

    @property
    def is_to_be_heard(self) -> bool:
        """Tell whether it is heard, or is going to be."""
        if self.playback:
            return not self.playback.over.is_set()
        return bool(self._reply.words) and not self.generated.is_set()

    def start(self) -> None:
        """Say `response.created` and begin to generate."""
        self._call.emit("response.created", response=self._as_json("in_progress", None))
        if self._call.world.switches.rate_limits == "after_created":
            self._tell_rate_limits()
        self._task = self._call.tasks.start(self._generate(), name=f"{self.id} of {self._call.call_id}")

    async def _generate(self) -> None:
        await self._call.world.clock.pause(_THINKING_SECONDS)
        if self._reply.words:
            await self._speak(self._reply.words)
        self._pass_half()
        for tool in self._reply.tools:
            for number in range(self._call.trouble.tool_calls):
                self._call_tool(tool, number)
        self._finish("completed", None)

    def cut(self, reason: str) -> None:
        """Stop generating: what is there stays, incomplete (`turn_detected` or `client_cancelled`)."""
        if self._task:
            self._task.cancel()
        self._pass_half()
        if self._open:
            self._close_message(self._open, "incomplete")
        self._finish("cancelled", {"type": "cancelled", "reason": reason})

    def abandon(self) -> None:
        """Stop without a word, since the call is over; what was generated is booked as untold."""
        if self._task:
            self._task.cancel()
        self._call.ledger.enter_response(self.id, self._usage())
        self.half.set()
        self.generated.set()

    async def heard(self) -> None:
        """Wait until it has been generated and heard to the end, or cut."""
        await self.generated.wait()
        if self.playback:
            await self.playback.over.wait()

    async def _speak(self, words: str) -> None:
        item = self._start_item(
            {"type": "message", "status": "in_progress", "role": "assistant", "content": []}
            | {"phase": "commentary" if self._reply.tools else "final_answer"}
        )
        self._open = self.spoken = item
        self._tell(item, "response.content_part.added", content_index=0, part=_part(""))
        self.playback = Playback(self._call, self.id, self._before)
        started = self._call.world.clock.now()
        for delta in _deltas(words):
            if len(self.playback.words) * 2 >= len(words):
                self._pass_half()
            self.playback.words += delta
            item.audio_ms = spoken_ms(self.playback.words)
            self._tell(
                item, "response.output_audio_transcript.delta", content_index=0, delta=delta, **_noise()
            )
            if self.playback.words == delta:
                self._call.tasks.start(self.playback.run(), name=f"voice of {self.id}")
            await self._call.world.clock.until(started + len(self.playback.words) / _GENERATED_PER_SECOND)
        self._close_message(item, "completed")

    def _close_message(self, item: Item, status: str) -> None:
        words = self.playback.words if self.playback else ""
        item.body |= {"status": status, "content": [{"type": "output_audio", "transcript": words}]}
        self._open = None
        self._tell(item, "response.output_audio.done", content_index=0)
        self._tell(item, "response.output_audio_transcript.done", content_index=0, transcript=words)
        self._tell(item, "response.content_part.done", content_index=0, part=_part(words))
        self._finish_item(item)

    def _call_tool(self, tool: ToolCall, number: int) -> None:
        trouble = self._call.trouble
        call_id = f"{tool.call_id}_{number}" if number else tool.call_id
        name = (trouble.tool_name if tool.name != "end_call" else None) or tool.name
        about = {"type": "function_call", "name": name, "call_id": call_id}
        item = self._start_item(about | {"status": "in_progress", "arguments": ""})
        arguments = trouble.tool_arguments or json.dumps(tool.arguments, ensure_ascii=False)
        for delta in _deltas(arguments):
            self._tell(
                item,
                "response.function_call_arguments.delta",
                call_id=call_id,
                delta=delta,
                **_noise(),
            )
        self._tell(
            item,
            "response.function_call_arguments.done",
            call_id=call_id,
            name=name,
            arguments=arguments,
        )
        item.body |= {"status": "completed", "arguments": arguments}
        self._finish_item(item)

    def _start_item(self, body: dict[str, Any]) -> Item:
        item = Item({"id": new_id("item"), **body})
        # Every second answer's `done` says null, as seen on the wire: `added` is the one to go by.
        item.told_null = len(self._call.conversation.items) % 2 == 0
        self._output.append(item)
        self._call.emit(
            "response.output_item.added",
            response_id=self.id,
            output_index=len(self._output) - 1,
            item=dict(item.body),
        )
        self._call.add_item(item)
        return item

    def _finish_item(self, item: Item) -> None:
        self._call.finish_item(item)
        self._call.emit(
            "response.output_item.done",
            response_id=self.id,
            output_index=self._output.index(item),
            item=dict(item.body),
        )

    def _finish(self, status: str, details: dict[str, str] | None) -> None:
        usage = self._usage()
        event_id = self._call.emit("response.done", response=self._as_json(status, usage, details))
        self._call.ledger.enter_response(event_id, usage)
        if self._call.world.switches.rate_limits == "after_done":
            self._tell_rate_limits()
        if self.playback:
            self.playback.complete()
        self.generated.set()
        self._call.floor.free()

    def _pass_half(self) -> None:
        if not self.half.is_set():
            self.half.set()
            if self._midway:
                self._midway()

    def _tell(self, item: Item, kind: str, **fields: Any) -> None:
        place = {"response_id": self.id, "item_id": item.id, "output_index": self._output.index(item)}
        self._call.emit(kind, **place, **fields)

    def _tell_rate_limits(self) -> None:
        limit = {"name": "tokens", "limit": 15_000_000, "remaining": 14_999_361, "reset_seconds": 0.002}
        self._call.emit("rate_limits.updated", rate_limits=[limit])

    def _usage(self) -> dict[str, Any]:
        session = self._call.session or {}
        fixed = len(session.get("instructions") or "") + len(json.dumps(session.get("tools") or []))
        words = (self.playback.words if self.playback else "") + "".join(
            item.body.get("arguments", "") for item in self._output
        )
        audio_ms = sum(item.audio_ms for item in self._output)
        return self._call.ledger.response(fixed, self._context, words, audio_ms)

    def _as_json(
        self, status: str, usage: dict[str, Any] | None, details: dict[str, str] | None = None
    ) -> dict[str, Any]:
        session = self._call.session or {}
        voice = {key: session["audio"]["output"][key] for key in ("format", "voice")}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [dict(item.body) for item in self._output],
            "conversation_id": self._call.conversation.id,
            "output_modalities": session["output_modalities"],
            "max_output_tokens": session["max_output_tokens"],
            "audio": {"output": voice},
            "usage": usage,
            "metadata": self._metadata,
        }


def _deltas(text: str) -> Iterator[str]:
    """Split a text into words, each with the space before it."""
    yield from re.findall(r"\s*\S+", text)


def _noise() -> dict[str, str]:
    return {"obfuscation": secrets.token_urlsafe(9)}


def _part(transcript: str) -> dict[str, str]:
    return {"type": "audio", "transcript": transcript}
