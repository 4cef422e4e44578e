"""A gateway without a web server in it: a test decides what goes over each of its connections, and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from sandbox.watch import Watch

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
PREPARED = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 68\r\n\r\n"
    b'{"error":{"message":"Missing user message in `messages`.","type":1}}'
)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass
class Question:
    """A question that has arrived. `is_gone`: whoever asked has closed the connection."""

    session_key: str
    text: str
    connection: int
    writer: asyncio.StreamWriter
    is_gone: bool = False

    def say(self, words: str) -> None:
        """Stream some words."""
        content = {"choices": [{"index": 0, "delta": {"content": words}}]}
        self.writer.write(chunk(b"data: " + orjson.dumps(content) + b"\n\n"))

    def finish(self, words: str = "") -> None:
        """Stream the last words and the end."""
        self.say(words)
        self.writer.write(chunk(b"data: [DONE]\n\n") + chunk(b""))


class RawGateway:
    """Take questions; the test answers them, or does not.

    Attributes:
        prepared: on which connection each request without a question came.
        closed: the connections that the other side has closed.
    """

    def __init__(self) -> None:
        self.watch = Watch()
        self.url = ""
        self.questions: list[Question] = []
        self.prepared: list[int] = []
        self.closed: list[int] = []
        self.connections: list[asyncio.StreamWriter] = []

    async def question(self, number: int = 1) -> Question:
        """Wait until that many questions have come; the last of them."""
        await self.watch.until(lambda: len(self.questions) >= number)
        return self.questions[number - 1]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        number = len(self.connections)
        self.connections.append(writer)
        asked: Question | None = None
        try:
            while True:
                headers, body = await _request(reader)
                if not body["messages"]:
                    self.prepared.append(number)
                    writer.write(PREPARED)
                else:
                    key = headers["x-openclaw-session-key"]
                    asked = Question(key, body["messages"][0]["content"], number, writer)
                    writer.write(STREAM)
                    self.questions.append(asked)
                self.watch.changed()
        except (asyncio.IncompleteReadError, ConnectionError):
            if asked:
                asked.is_gone = True
            self.closed.append(number)
            self.watch.changed()
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> tuple[dict[str, str], dict[str, list[dict[str, str]]]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[1:-1]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
    return headers, orjson.loads(await reader.readexactly(int(headers["content-length"])))


@asynccontextmanager
async def raw_gateway() -> AsyncIterator[RawGateway]:
    """Serve one on a free port."""
    gateway = RawGateway()
    async with await asyncio.start_server(gateway.connected, "127.0.0.1", 0) as server:
        gateway.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield gateway
        for writer in gateway.connections:
            writer.transport.abort()
