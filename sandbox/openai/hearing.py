"""The caller's voice: what the model hears at once, and what the transcription makes of it later."""

import math
import re
import time
from typing import Any

from sandbox.openai.call import RealtimeCall
from sandbox.openai.conversation import Item, new_id
from sandbox.openai.heard import Heard
from sandbox.openai.playback import spoken_ms

_SILENCE_SECONDS = 0.4
_KEY_SECONDS = 0.3
_NOBODY_SPOKE = "No user speech was detected for a while. Ask whether the user is still there."


async def press(call: RealtimeCall, keys: str) -> None:
    """Press keys of the telephone one after the other."""
    for key in keys:
        await call.world.clock.pause(_KEY_SECONDS)
        call.emit("input_audio_buffer.dtmf_event_received", event=key, received_at=int(time.time()))


class Utterance:
    """One turn of the caller, from the first sound to the transcription.

    `gpt-realtime-whisper` begins to transcribe while it is being said; every other model afterwards.
    """

    def __init__(self, call: RealtimeCall, words: str) -> None:
        self.item = Item(
            {
                "id": new_id("item"),
                "type": "message",
                "status": "completed",
                "role": "user",
                "content": [{"type": "input_audio", "transcript": None}],
            },
            audio_ms=max(spoken_ms(words), 600),
        )
        self._call = call
        self._words = words
        self._heard: Heard | None = None
        self._deltas = re.findall(r"\s*\S+", words)

    def begin(self) -> None:
        """Be heard for the first time."""
        self._call.emit(
            "input_audio_buffer.speech_started", audio_start_ms=self._call.audio_ms, item_id=self.item.id
        )
        self._heard = self._call.hear("caller")

    async def finish(self) -> None:
        """Speak to the end; then the turn is the model's."""
        seconds = self.item.audio_ms / 1000
        await self._call.world.clock.pause(seconds / 2)
        if self._model() == "gpt-realtime-whisper":
            for _ in range(len(self._deltas) // 2):
                self._transcribe_next()
        await self._call.world.clock.pause(seconds / 2)
        if self._heard:
            self._heard.end(self._words)
        await self._call.world.clock.pause(_SILENCE_SECONDS)
        self._call.emit(
            "input_audio_buffer.speech_stopped", audio_end_ms=self._call.audio_ms, item_id=self.item.id
        )
        self._commit()

    def _commit(self) -> None:
        self._call.conversation.add(self.item)
        self._call.emit(
            "input_audio_buffer.committed", previous_item_id=self.item.previous_id, item_id=self.item.id
        )
        for kind in ("conversation.item.added", "conversation.item.done"):
            self._call.emit(kind, previous_item_id=self.item.previous_id, item=dict(self.item.body))

    def transcribe(self) -> None:
        """Tell the rest of the transcription, if the session asked for one."""
        if not self._model():
            return
        while self._deltas:
            self._transcribe_next()
        seconds = math.ceil(self.item.audio_ms / 1000) if self._words else 0
        self.item.body["content"] = [{"type": "input_audio", "transcript": self._words}]
        event_id = self._call.emit(
            "conversation.item.input_audio_transcription.completed",
            item_id=self.item.id,
            content_index=0,
            transcript=self._words,
            usage={"type": "duration", "seconds": seconds},
        )
        self._call.ledger.enter_transcription(event_id, seconds)

    def _transcribe_next(self) -> None:
        self._call.emit(
            "conversation.item.input_audio_transcription.delta",
            item_id=self.item.id,
            content_index=0,
            delta=self._deltas.pop(0),
            obfuscation=new_id("x")[2:15],
        )

    def _model(self) -> str | None:
        heard: dict[str, Any] = (self._call.session or {})["audio"]["input"]
        return (heard.get("transcription") or {}).get("model")


class Silence(Utterance):
    """A turn of the caller in which nothing was said until OpenAI's idle timeout struck."""

    def __init__(self, call: RealtimeCall, idle_ms: int) -> None:
        super().__init__(call, "")
        self.item.audio_ms = idle_ms

    async def finish(self) -> None:
        """Let the time pass; the model is told of it, and has the turn."""
        await self._call.world.clock.pause(self.item.audio_ms / 1000)
        end_ms = self._call.audio_ms
        self._call.emit(
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=max(0, end_ms - self.item.audio_ms),
            audio_end_ms=end_ms,
            item_id=self.item.id,
        )
        note = {"type": "message", "role": "system", "status": "completed"}
        content = [{"type": "input_text", "text": _NOBODY_SPOKE}]
        told = Item({"id": new_id("item"), **note, "content": content})
        self._call.add_item(told)
        self._call.finish_item(told)
        self._commit()
