"""The stand-in for the model: answers as an OpenAI-compatible server would, and keeps what it was asked."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

Json = dict[str, Any]

WORD_SECONDS = 0.02
LONG_WORDS = 20

_USAGE = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}


class Model:
    """What was asked of the model, in order; its answers are `Answer 1.`, `Answer 2.` and so on."""

    def __init__(self) -> None:
        self.requests: list[Json] = []
        self._dropped: list[Json] = []
        self._is_failing = False
        self._words = 0
        self._answers = asyncio.Event()
        self._ends = asyncio.Event()
        self._answers.set()
        self._ends.set()
        self._asked = asyncio.Condition()
        self._numbers = itertools.count(1)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the model think for the length of the block: whoever asks waits."""
        with _closed(self._answers):
            yield

    @contextmanager
    def talking(self) -> Iterator[None]:
        """Let the model come to no end for the length of the block: a word every 20 ms."""
        with _closed(self._ends):
            yield

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Let the model refuse whatever it is asked, for the length of the block."""
        self._is_failing = True
        try:
            yield
        finally:
            self._is_failing = False

    async def asked(self, text: str, seconds: float = 60) -> Json:
        """Wait until this was said to the model; the request that said it."""
        async with asyncio.timeout(seconds), self._asked:
            while True:
                for request in reversed(self.requests):
                    if text in said(request):
                        return request
                await self._asked.wait()

    async def is_well_under_way(self) -> bool:
        """Tell whether the newest answer has long begun: OpenClaw has read something of it."""
        return self._words > LONG_WORDS

    async def was_dropped(self, text: str) -> bool:
        """Tell whether whoever said this to the model went away without the answer."""
        return any(text in said(request) for request in self._dropped)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat completion, streaming or not."""
        body = await request.json()
        async with self._asked:
            self.requests.append(body)
            self._asked.notify_all()
        answer = f"Answer {next(self._numbers)}."
        if self._is_failing:
            return web.json_response({"error": {"message": "The model will not."}}, status=400)
        try:
            await self._answers.wait()
            if body.get("stream"):
                return await self._stream(request, answer)
        except (asyncio.CancelledError, ConnectionError):
            self._dropped.append(body)
            raise
        message = {"role": "assistant", "content": answer}
        return web.json_response(
            _envelope("chat.completion", {"message": message, "finish_reason": "stop"}) | {"usage": _USAGE}
        )

    async def _stream(self, request: web.Request, answer: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        first, last = answer.split()
        self._words = 0
        await _write(response, _says(first))
        while not self._ends.is_set():
            await _write(response, _says(" and"))
            self._words += 1
            await asyncio.sleep(WORD_SECONDS)
        await _write(response, _says(f" {last}"))
        await _write(response, {"delta": {}, "finish_reason": "stop"})
        await _write(response, None, usage=_USAGE)
        await response.write(b"data: [DONE]\n\n")
        return response


@asynccontextmanager
async def serving(model: Model) -> AsyncIterator[str]:
    """Serve a model on a free port; yields its base URL."""
    app = web.Application(client_max_size=32 * 1024**2)
    app.router.add_post("/v1/chat/completions", model.complete)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/v1"))


def said(request: Json) -> str:
    """Put what a request says into one text."""
    return "\n".join(map(_text, request["messages"]))


def heard(request: Json, texts: Iterable[str]) -> list[str]:
    """List these turns (`user: hello`) as the model got them: each as often, and in that place and role.

    OpenClaw adds dates and notes, and makes one message of neighbours of one role: each text is looked for.
    """
    found = []
    for place, message in enumerate(request["messages"]):
        for text in {text.partition(": ")[2] for text in texts}:
            starts = (match.start() for match in re.finditer(re.escape(text), _text(message)))
            found += [(place, start, f"{message['role']}: {text}") for start in starts]
    return [line for _, _, line in sorted(found)]


@contextmanager
def _closed(gate: asyncio.Event) -> Iterator[None]:
    gate.clear()
    try:
        yield
    finally:
        gate.set()


def _says(text: str) -> Json:
    return {"delta": {"role": "assistant", "content": text}, "finish_reason": None}


async def _write(response: web.StreamResponse, choice: Json | None, **more: Any) -> None:
    chunk = _envelope("chat.completion.chunk", choice) | more
    await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")


def _envelope(kind: str, choice: Json | None) -> Json:
    choices = [] if choice is None else [{"index": 0} | choice]
    return {"id": "cmpl-1", "object": kind, "created": 1, "model": "stand-in", "choices": choices}


def _text(message: Json) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""
