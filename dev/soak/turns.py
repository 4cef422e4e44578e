"""The book of what was said: told once, in one order, and the same wherever it is kept."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from dev.soak.books import Wrong
from dev.soak.evidence import Evidence, Heard
from dev.soak.expected import may_lose_words
from services.session_bridge.domain import transcript
from services.session_bridge.domain.transcript import Message
from shared.events import Speaker, TranscriptUpdate, call_event
from shared.transcript import Turn, in_order


def turns(evidence: Evidence) -> Iterator[Wrong]:
    """Every turn was delivered once and in order, and none is missing."""
    sessions = {session["callId"]: session for session in evidence.sessions}
    for call_id, call in evidence.history.items():
        recorded = [_turn(said) for said in call["transcript"]]
        yield from _all_told_once(call_id, [turn.item_id for turn in recorded], "the history")
        yield from _as_heard(call_id, recorded, evidence.events.get(call_id, []))
        if call_id in sessions and sessions[call_id]["turns"] != len(recorded):
            what = f"has {sessions[call_id]['turns']} turns at the bridge, {len(recorded)} in the history"
            yield Wrong(call_id, what)
        openai = evidence.at_the_sandbox.get(call_id, {}).get("openai")
        plan = evidence.plan_of(call_id)
        lossy = bool(evidence.killed) or (plan is not None and may_lose_words(plan))
        yield from _as_said(call_id, recorded, openai["said"] if openai else [], lossy=lossy)
    yield from _as_written(evidence)


def missed(evidence: Evidence) -> tuple[int, int]:
    """Count the turns that were spoken and are not in the history, and those of them that somebody was told.

    While a service is away OpenAI tells nobody, and what a killed process had not yet read is gone.
    """
    spoken = told = 0
    for call_id, call in evidence.history.items():
        if openai := evidence.at_the_sandbox.get(call_id, {}).get("openai"):
            kept = {said["item_id"] for said in call["transcript"]}
            spoken += max(0, openai["spoken"] - len(kept))
            told += sum(item["whole"] and item["item_id"] not in kept for item in openai["said"])
    return spoken, told


def _turn(said: Mapping[str, Any]) -> Turn:
    at = datetime.fromisoformat(said["timestamp"])
    return Turn(
        said["item_id"], Speaker(said["speaker"]), said["content"], at, interrupted=said["interrupted"]
    )


def _shown(turn: Turn) -> tuple[str, str, str, bool]:
    return (turn.item_id, turn.speaker, turn.content, turn.interrupted)


def _all_told_once(call_id: str, item_ids: list[str], where: str) -> Iterator[Wrong]:
    for item_id, times in Counter(item_ids).items():
        if times > 1:
            yield Wrong(call_id, f"has {item_id} {times} times in {where}")


def _as_heard(call_id: str, recorded: list[Turn], events: list[Heard]) -> Iterator[Wrong]:
    read = [call_event.validate_python(event.data) for event in events if event.type == "transcript_update"]
    published = [Turn.of(event) for event in read if isinstance(event, TranscriptUpdate)]
    yield from _all_told_once(call_id, [turn.item_id for turn in published], "the live stream")
    heard, kept = ([_shown(turn) for turn in one] for one in (in_order(published), recorded))
    if heard != kept:
        yield Wrong(call_id, f"was heard as {heard}, but the history has {kept}")


def _as_said(
    call_id: str, recorded: list[Turn], said: list[Mapping[str, Any]], *, lossy: bool
) -> Iterator[Wrong]:
    kept = {turn.item_id: turn for turn in recorded}
    for item in said:
        turn = kept.get(item["item_id"])
        if turn is None:
            if item["whole"] and item["words"].strip() and not lossy:
                yield Wrong(call_id, f"lacks {item['item_id']}, which was told: {item['words']!r}")
        elif turn.speaker != item["speaker"]:
            yield Wrong(call_id, f"gives {item['item_id']} to {turn.speaker}, but {item['speaker']} said it")
        elif not lossy and not _same_words(turn, item):
            yield Wrong(call_id, f"has {turn.content!r} where the sandbox said {item['words']!r}")
    order = [item["item_id"] for item in said]
    for turn in recorded:
        if turn.item_id not in order:
            yield Wrong(call_id, f"has {turn.item_id}, which was never told: {turn.content!r}")
    if not lossy:
        spoken = [item_id for item_id in order if item_id in kept]
        have = [turn.item_id for turn in recorded if turn.item_id in order]
        if have != spoken:
            yield Wrong(call_id, f"has the order {have}, but it was spoken as {spoken}")


def _same_words(turn: Turn, item: Mapping[str, Any]) -> bool:
    words = str(item["words"]).strip()
    if item["whole"] and not item["cut"] and not turn.interrupted:
        return turn.content.strip() == words
    return words.startswith(turn.content.strip())


def _as_written(evidence: Evidence) -> Iterator[Wrong]:
    """Each call is one block of its session's file: its messages, once, in order, nothing between."""
    due: dict[str, tuple[str, tuple[Message, ...]]] = {}
    for call_id, call in evidence.history.items():
        messages = transcript.messages(call_id, [_turn(said) for said in call["transcript"]])
        due |= {messages[0].id: (call_id, messages)} if messages else {}
    for file, lines in evidence.written.items():
        written = [_line(line) for line in lines if line["type"] == "message"]
        while written:
            whose, messages = due.pop(written[0][0], (None, ()))
            wanted = [(message.id, str(message.speaker), message.text) for message in messages]
            length = max(len(wanted), 1)
            if written[:length] != wanted:
                yield Wrong(whose, f"is not one block, or not the first, in {file}: {written[:length]}")
            written = written[length:]
    for whose, messages in due.values():
        yield Wrong(whose, f"is not in OpenClaw's files with its {len(messages)} messages")


def _line(line: Mapping[str, Any]) -> tuple[str, str, str]:
    message = line["message"]
    return (line["id"], message["role"], message["content"][0]["text"])
