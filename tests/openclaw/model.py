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

_USAGE = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}


class Model:
    """What was asked of the model, in order; its answers are `Answer 1.`, `Answer 2.` and so on."""

    def __init__(self) -> None:
        self.requests: list[Json] = []
        self._answers = asyncio.Event()
        self._answers.set()
        self._asked = asyncio.Condition()
        self._numbers = itertools.count(1)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the model think for the length of the block: whoever asks waits."""
        self._answers.clear()
        try:
            yield
        finally:
            self._answers.set()

    async def asked(self, text: str, seconds: float = 60) -> Json:
        """Wait until this was said to the model; the request that said it."""
        async with asyncio.timeout(seconds), self._asked:
            while True:
                for request in reversed(self.requests):
                    if text in said(request):
                        return request
                await self._asked.wait()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat completion, streaming or not."""
        body = await request.json()
        async with self._asked:
            self.requests.append(body)
            self._asked.notify_all()
        answer = f"Answer {next(self._numbers)}."
        await self._answers.wait()
        if body.get("stream"):
            return await _stream(request, answer)
        message = {"role": "assistant", "content": answer}
        return web.json_response(
            _envelope("chat.completion", {"message": message, "finish_reason": "stop"}) | {"usage": _USAGE}
        )


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


async def _stream(request: web.Request, answer: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    choices: list[Json] = [
        {"delta": {"role": "assistant", "content": answer}, "finish_reason": None},
        {"delta": {}, "finish_reason": "stop"},
    ]
    for choice in choices:
        await response.write(b"data: " + orjson.dumps(_envelope("chat.completion.chunk", choice)) + b"\n\n")
    usage = _envelope("chat.completion.chunk", None) | {"usage": _USAGE}
    await response.write(b"data: " + orjson.dumps(usage) + b"\n\ndata: [DONE]\n\n")
    return response


def _envelope(kind: str, choice: Json | None) -> Json:
    choices = [] if choice is None else [{"index": 0} | choice]
    return {"id": "cmpl-1", "object": kind, "created": 1, "model": "stand-in", "choices": choices}


def _text(message: Json) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""
