"""Sidebands against a socket that opens, talks and closes in every way OpenAI's has been seen to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

import orjson
import pytest
from openai.types.realtime import (
    ConversationItemCreateEvent,
    ConversationItemRetrieveEvent,
    ResponseCreateEvent,
)
from pydantic import BaseModel
from structlog.testing import capture_logs
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from services.voice_server.adapters.realtime import Realtime, SidebandError, SidebandNotFoundError
from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import RequestResponse, RetrieveItem, SubmitOutput
from tests.voice_server.serving import free_port

Talk = Callable[[ServerConnection], Awaitable[None]]

SPEECH = '{"type": "input_audio_buffer.speech_started"}'


class OpenAI:
    """The other end of sidebands.

    Attributes:
        statuses: how the next handshakes are answered; afterwards 101.
        talk: what is done on an open socket.
        requests: the handshakes, in order.
        received: the frames that came in.
    """

    def __init__(self) -> None:
        self.base_url = ""
        self.statuses: list[int] = []
        self.talk: Talk = close(1000)
        self.requests: list[Request] = []
        self.received: list[str | bytes] = []

    def answer(self, _: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if not self.statuses:
            return None
        status = HTTPStatus(self.statuses.pop(0))
        return Response(status, status.phrase, Headers({"Content-Length": "0"}))

    async def serve(self, socket: ServerConnection) -> None:
        await self.talk(socket)


def close(code: int, reason: str = "", *frames: str | bytes) -> Talk:
    async def talk(socket: ServerConnection) -> None:
        for frame in frames:
            await socket.send(frame)
        await socket.close(code, reason)

    return talk


async def close_without_a_code(socket: ServerConnection) -> None:
    socket.protocol.send_close()
    socket.send_data()
    await socket.wait_closed()


def cut(*frames: str | bytes) -> Talk:
    async def talk(socket: ServerConnection) -> None:
        for frame in frames:
            await socket.send(frame)
        socket.transport.abort()

    return talk


@pytest.fixture
async def openai() -> AsyncIterator[OpenAI]:
    peer = OpenAI()
    server: Server
    async with serve(
        peer.serve, "127.0.0.1", 0, process_request=peer.answer, max_size=None, compression="deflate"
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        peer.base_url = f"http://127.0.0.1:{port}/v1"
        yield peer


@pytest.fixture
def realtime(openai: OpenAI) -> Realtime:
    return Realtime(openai.base_url, "sk-1")


async def heard(realtime: Realtime, *, rejoin: bool = False) -> list[s.Signal]:
    async with asyncio.timeout(5), realtime.attach("rtc_1", rejoin=rejoin) as sideband:
        return [signal async for signal in sideband.signals()]


async def test_the_handshake_names_the_call_and_shows_the_key_and_no_more(
    realtime: Realtime, openai: OpenAI
) -> None:
    await heard(realtime)
    (request,) = openai.requests
    assert request.path == "/v1/realtime?call_id=rtc_1"
    assert request.headers["Authorization"] == "Bearer sk-1"
    for absent in ("OpenAI-Beta", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin"):
        assert absent not in request.headers


async def test_an_id_cannot_add_to_the_url(realtime: Realtime, openai: OpenAI) -> None:
    async with realtime.attach("rtc_1&model=x#y z", rejoin=False):
        pass
    assert openai.requests[0].path == "/v1/realtime?call_id=rtc_1%26model%3Dx%23y%20z"


@pytest.mark.parametrize(
    ("talk", "last"),
    [
        (close(1000), s.SidebandClosed()),
        (close_without_a_code, s.SidebandClosed()),
        (
            close(1001, "Your session hit the maximum duration of 60 minutes."),
            s.SidebandClosed(expired=True),
        ),
        (close(1001, "going away"), s.SidebandLost()),
        (close(1001), s.SidebandLost()),
        (close(1011), s.SidebandLost()),
        (close(1012), s.SidebandLost()),
        (close(1013), s.SidebandLost()),
        (close(4000), s.SidebandLost()),
        (cut(), s.SidebandLost()),
    ],
    ids=["1000", "1005", "maximum duration", "1001", "1001 bare", "1011", "1012", "1013", "4000", "1006"],
)
async def test_the_last_signal_tells_whether_the_call_is_over(
    realtime: Realtime, openai: OpenAI, talk: Talk, last: s.Signal
) -> None:
    async def after_a_word(socket: ServerConnection) -> None:
        await socket.send(SPEECH)
        await talk(socket)

    openai.talk = after_a_word
    assert await heard(realtime) == [s.CallerSpoke(goes_on=True), last]


async def test_what_is_no_event_is_counted_and_skipped_and_the_rest_is_heard(
    realtime: Realtime, openai: OpenAI
) -> None:
    huge = orjson.dumps({"type": "response.output_audio.delta", "delta": "A" * 20_000_000}).decode()
    junk: list[str | bytes] = [
        "",
        "not JSON",
        "[" * 10_000,
        b"\x00\xff",
        '{"type": "response.done"}',
        '{"type": "something.new"}',
        huge,
    ]
    openai.talk = close(1000, "", *(frame for one in junk for frame in (one, SPEECH)))
    with capture_logs() as logs:
        assert await heard(realtime) == [*[s.CallerSpoke(goes_on=True)] * len(junk), s.SidebandClosed()]
    assert logs[-1] == {"event": "sideband_closed", "log_level": "info", "code": 1000, "malformed": 5}


async def test_an_event_in_a_binary_frame_is_an_event(realtime: Realtime, openai: OpenAI) -> None:
    openai.talk = close(1000, "", SPEECH.encode())
    assert await heard(realtime) == [s.CallerSpoke(goes_on=True), s.SidebandClosed()]


@pytest.mark.parametrize("statuses", [[404, 404], [503]])
async def test_a_call_just_accepted_may_take_its_time_to_be_joinable(
    realtime: Realtime, openai: OpenAI, statuses: list[int]
) -> None:
    openai.statuses = statuses.copy()
    assert await heard(realtime) == [s.SidebandClosed()]
    assert len(openai.requests) == len(statuses) + 1


async def test_a_call_joined_before_that_is_not_found_is_over(realtime: Realtime, openai: OpenAI) -> None:
    openai.statuses = [404]
    with pytest.raises(SidebandNotFoundError):
        await heard(realtime, rejoin=True)
    assert len(openai.requests) == 1


async def test_a_call_joined_before_is_tried_again_when_openai_restarts(
    realtime: Realtime, openai: OpenAI
) -> None:
    openai.statuses = [503]
    assert await heard(realtime, rejoin=True) == [s.SidebandClosed()]


async def test_a_call_that_never_becomes_joinable_is_given_up(openai: OpenAI) -> None:
    realtime = Realtime(openai.base_url, "sk-1", attach_seconds=0.25)
    openai.statuses = [404] * 100
    with pytest.raises(SidebandNotFoundError):
        await heard(realtime)
    assert len(openai.requests) == 2


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_another_refusal_does_not_mean_that_the_call_is_gone(openai: OpenAI, status: int) -> None:
    realtime = Realtime(openai.base_url, "sk-1", attach_seconds=0.05)
    openai.statuses = [status] * 100
    with pytest.raises(SidebandError, match=str(status)) as refused:
        await heard(realtime)
    assert not isinstance(refused.value, SidebandNotFoundError)


async def test_nobody_listening_does_not_mean_that_the_call_is_gone() -> None:
    realtime = Realtime(f"http://127.0.0.1:{free_port()}/v1", "sk-1", attach_seconds=0.05)
    with pytest.raises(SidebandError, match="cannot be reached") as refused:
        await heard(realtime)
    assert not isinstance(refused.value, SidebandNotFoundError)


async def test_whoever_speaks_no_websocket_cannot_be_attached_to() -> None:
    async def shout(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(SidebandError, match="cannot be reached"):
            await heard(Realtime(f"http://127.0.0.1:{port}/v1", "sk-1", attach_seconds=0.05))


async def test_what_is_sent_is_what_openai_knows_each_under_an_id_of_its_own(
    realtime: Realtime, openai: OpenAI
) -> None:
    async def take_five(socket: ServerConnection) -> None:
        openai.received = [await socket.recv() for _ in range(5)]
        await socket.close()

    openai.talk = take_five
    async with realtime.attach("rtc_1", rejoin=False) as sideband:
        await sideband.send(RequestResponse("response_1", 'Say exactly: "Hi."'))
        await sideband.send(SubmitOutput("call_1", '{"ok": true, "answer": "8°"}'))
        await sideband.send(RequestResponse("response_2", None))
        await sideband.send(RetrieveItem("item_1"))
        await sideband.send(RetrieveItem("item_2"))
        assert [signal async for signal in sideband.signals()] == [s.SidebandClosed()]
    assert all(isinstance(frame, str) for frame in openai.received)
    sent = [orjson.loads(frame) for frame in openai.received]
    assert len({event.pop("event_id") for event in sent}) == 5
    assert sent == [
        {
            "type": "response.create",
            "response": {
                "metadata": {"request_id": "response_1"},
                "instructions": 'Say exactly: "Hi."',
                "tool_choice": "none",
            },
        },
        {
            "type": "conversation.item.create",
            "item": {
                "type": "function_call_output",
                "call_id": "call_1",
                "output": '{"ok": true, "answer": "8°"}',
            },
        },
        {"type": "response.create", "response": {"metadata": {"request_id": "response_2"}}},
        {"type": "conversation.item.retrieve", "item_id": "item_1"},
        {"type": "conversation.item.retrieve", "item_id": "item_2"},
    ]
    judges: dict[str, type[BaseModel]] = {
        "response.create": ResponseCreateEvent,
        "conversation.item.create": ConversationItemCreateEvent,
        "conversation.item.retrieve": ConversationItemRetrieveEvent,
    }
    for event in sent:
        assert not judges[event["type"]].model_validate(event).model_extra


async def test_a_request_refused_can_be_told_by_its_id(realtime: Realtime, openai: OpenAI) -> None:
    async def refuse(socket: ServerConnection) -> None:
        event = orjson.loads(await socket.recv())
        error = {"code": "conversation_already_has_active_response", "event_id": event["event_id"]}
        await socket.send(orjson.dumps({"type": "error", "error": error}).decode())
        await socket.close()

    openai.talk = refuse
    async with realtime.attach("rtc_1", rejoin=False) as sideband:
        await sideband.send(RequestResponse("response_7", None))
        refused, *_ = [signal async for signal in sideband.signals()]
    assert refused == s.RequestRefused("response_7", "conversation_already_has_active_response")


async def test_what_is_sent_too_late_does_no_harm(realtime: Realtime, openai: OpenAI) -> None:
    openai.talk = cut()
    async with realtime.attach("rtc_1", rejoin=False) as sideband:
        assert [signal async for signal in sideband.signals()] == [s.SidebandLost()]
        await sideband.send(RetrieveItem("item_1"))


async def test_letting_go_of_a_call_closes_the_socket(realtime: Realtime, openai: OpenAI) -> None:
    codes: list[int | None] = []
    gone = asyncio.Event()

    async def listen(socket: ServerConnection) -> None:
        await socket.wait_closed()
        codes.append(socket.close_code)
        gone.set()

    openai.talk = listen
    async with realtime.attach("rtc_1", rejoin=False):
        pass
    async with asyncio.timeout(2):
        await gone.wait()
    assert codes == [1000]
