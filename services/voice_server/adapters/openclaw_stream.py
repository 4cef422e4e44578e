"""The agent's answer as it streams in: OpenAI's `chat.completion.chunk` in server-sent events.

What ends without `[DONE]` was cut: every release of OpenClaw says it after a whole answer.
"""

import json
from collections.abc import AsyncIterator

from aiohttp import StreamReader
from pydantic import BaseModel

from services.voice_server.adapters.openclaw_errors import (
    OpenClawBrokeOffError,
    OpenClawFailedError,
    OpenClawSilentError,
)
from shared.characters import whole

LONGEST_ANSWER = 16_000
"""How many characters of an answer are kept."""

LONGEST_STREAM_BYTES = 8_000_000
"""How much may come for one answer: some hundred bytes frame each word."""

_NO_ANSWER = (
    "",
    "No response from OpenClaw.",
    "⚠️ Agent couldn't generate a response. Please try again.",  # 2026.7.35
)
"""What OpenClaw says in the agent's place when that has said nothing."""


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_Choice] | None = None
    error: object = None


async def read_answer(stream: StreamReader) -> str:
    """Read a whole answer. Of a very long one the beginning is kept, and it says so.

    Raises:
        OpenClawError: there is none, or not all of it.
        ValueError: what comes cannot be understood.
    """
    return as_kept("".join([part async for part in _parts(stream)]))


def as_kept(answer: str) -> str:
    """Give an answer as it is kept.

    Raises:
        OpenClawSilentError: it is none.
    """
    answer = whole(answer)
    text = answer[:LONGEST_ANSWER].strip()
    if text in _NO_ANSWER:
        raise OpenClawSilentError
    return text if len(answer) <= LONGEST_ANSWER else f"{text} … (the rest is left out)"


async def _parts(stream: StreamReader) -> AsyncIterator[str]:
    async for line in _lines(stream):
        data = line.strip().removeprefix(b"data:").strip()
        if not line.startswith(b"data:") or not data:
            continue
        if data == b"[DONE]":
            return
        chunk = _chunk(data)
        if chunk.error is not None:
            raise OpenClawFailedError
        for choice in chunk.choices or []:
            yield _content(choice)
    raise OpenClawBrokeOffError


async def _lines(stream: StreamReader) -> AsyncIterator[bytearray]:
    # The stream's own lines may be 128 KiB long, and an answer may come in one.
    size, rest = 0, bytearray()
    async for data in stream.iter_any():
        size += len(data)
        if size > LONGEST_STREAM_BYTES:
            raise OpenClawBrokeOffError
        rest += data
        if b"\n" in data:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                yield line
    yield rest


def _chunk(data: bytearray) -> _Chunk:
    # OpenClaw may cut a character in half (a surrogate pair), which only this parser lets pass.
    try:
        return _Chunk.model_validate(json.loads(data.decode(errors="replace")))
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _content(choice: _Choice) -> str:
    content = (choice.delta and choice.delta.content) or ""
    if choice.finish_reason and content.startswith("Error: "):
        # Up to 2026.7.35 a failed run looks like an answer; but only its text comes along with the end.
        raise OpenClawFailedError
    return f"{content} …" if choice.finish_reason in {"length", "content_filter"} else content
