"""From frames to the transcript: whenever transcriptions arrive, turns stand where they were spoken."""

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from services.voice_server.adapters.realtime_events import signals_of
from services.voice_server.domain import signals as s
from shared.events import TranscriptUpdate
from shared.transcript import Turn, in_order
from tests.voice_server.domain.records import START
from tests.voice_server.domain.telling import events, talking, told

Json = dict[str, Any]


def message(item_id: str, role: str, content: list[Json]) -> Json:
    return {"id": item_id, "type": "message", "role": role, "status": "completed", "content": content}


def exchange(number: int, previous: str | None) -> list[Json]:
    """Give the frames of a question and its answer as OpenAI sends them, but for the question's words."""
    question, answer, response_id = f"question_{number}", f"answer_{number}", f"resp_{number}"
    asked = message(question, "user", [{"type": "input_audio", "transcript": None}])
    spoken = message(answer, "assistant", [])
    response = {"id": response_id, "metadata": None}
    of_answer = {"response_id": response_id, "item_id": answer}
    deltas = [
        {"type": "response.output_audio_transcript.delta", **of_answer, "delta": f"{answer}:{part} "}
        for part in range(2)
    ]
    words = f"{answer}:0 {answer}:1"
    return [
        {"type": "input_audio_buffer.speech_started", "item_id": question},
        {"type": "input_audio_buffer.speech_stopped", "item_id": question},
        {"type": "input_audio_buffer.committed", "item_id": question, "previous_item_id": previous},
        {"type": "conversation.item.added", "item": asked, "previous_item_id": previous},
        {"type": "conversation.item.done", "item": asked, "previous_item_id": None},
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "response_id": response_id, "item": spoken},
        {"type": "conversation.item.added", "item": spoken, "previous_item_id": question},
        *deltas,
        {"type": "output_audio_buffer.started", "response_id": response_id},
        {"type": "response.output_audio_transcript.done", **of_answer, "transcript": words},
        {"type": "conversation.item.done", "item": spoken, "previous_item_id": None},
        {"type": "response.done", "response": {**response, "status": "completed", "output": [spoken]}},
        {"type": "output_audio_buffer.stopped", "response_id": response_id},
    ]


def note(number: int) -> Json:
    """Give the frame of an item that OpenAI's system writes after an answer."""
    item = message(f"note_{number}", "system", [{"type": "input_text", "text": "No user speech."}])
    return {"type": "conversation.item.added", "item": item, "previous_item_id": f"answer_{number}"}


def transcription(number: int, end: str) -> list[Json]:
    """Give the frames that tell a question's words."""
    item = {"item_id": f"question_{number}", "content_index": 0}
    kind = "conversation.item.input_audio_transcription"
    words = [f"question_{number}:{part} " for part in range(2)]
    deltas = [{"type": f"{kind}.delta", **item, "delta": word} for word in words]
    if end == "failed":
        return [*deltas, {"type": f"{kind}.failed", **item, "error": {"code": "audio_unintelligible"}}]
    if end == "empty":
        return [{"type": f"{kind}.completed", **item, "transcript": ""}]
    return [*deltas, {"type": f"{kind}.completed", **item, "transcript": "".join(words).strip()}]


COMMITTED = 2
"""Which frame of an exchange tells that the question is committed."""

LATER = st.floats(0.1, 60)
"""How many frames later."""


@st.composite
def calls(draw: st.DrawFn) -> tuple[list[Json], list[str]]:
    """Draw a call's frames with the transcriptions anywhere among them, and the words of its turns."""
    frames: list[tuple[float, Json]] = []
    transcript: list[str] = []
    previous, place = None, 0.0
    for number in range(draw(st.integers(3, 5))):
        begins = place
        for frame in exchange(number, previous):
            frames.append((place, frame))
            place += 1
        previous = f"answer_{number}"
        if draw(st.booleans()):
            frames.append((place, note(number)))
            previous = f"note_{number}"
        if (end := draw(st.sampled_from(["heard", "heard", "failed", "empty"]))) != "empty":
            transcript.append(f"question_{number}:0 question_{number}:1")
        transcript.append(f"answer_{number}:0 answer_{number}:1")
        *deltas, last = transcription(number, end)
        # Words may come while they are spoken, and all of them once they are committed; or much later.
        places = sorted(draw(st.lists(LATER, min_size=len(deltas), max_size=len(deltas))))
        frames += zip([begins + later for later in places], deltas, strict=True)
        frames.append((begins + max([COMMITTED, *places]) + draw(LATER), last))
    return [frame for _, frame in sorted(frames, key=lambda placed: placed[0])], transcript


@settings(deadline=None)
@given(call=calls(), pause=st.sampled_from([0.0, 0.05, 0.5, 4.0]))
def test_whenever_transcriptions_arrive_the_transcript_is_the_same(
    call: tuple[list[Json], list[str]], pause: float
) -> None:
    frames, transcript = call
    subject, commands = talking(), []
    for place, frame in enumerate(frames):
        signals = signals_of(orjson.dumps({"event_id": f"event_{place}", **frame}))
        commands += told(subject, *signals, s.TimePassed(), at=START + place * pause)
    commands += told(subject, s.SidebandClosed(), at=START + len(frames) * pause)
    turns = [Turn.of(one) for one in events(commands) if isinstance(one, TranscriptUpdate)]
    assert [turn.content for turn in in_order(turns)] == transcript
