"""Server-sent events: all calls, or one call from its beginning."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Literal

from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response
from pydantic import BaseModel, ConfigDict, Field

from services.session_bridge.adapters.journal import SYNCED
from services.session_bridge.keys import JOURNAL, SETTINGS, STREAMS, TAILS
from services.session_bridge.tails import Frame, Scope
from shared.operation import operation
from shared.problems import NotFoundError

_EVENT_ID = r"^[0-9]{0,18}$"
_SEND_BUFFER_BYTES = 64 * 1024
"""What the kernel may hold for a client that does not read, before we notice."""


class CallEventsQuery(BaseModel):
    """What is wanted of a call. `partials` shows turns while they are spoken, too."""

    model_config = ConfigDict(extra="forbid")

    partials: Literal["0", "1"] = "0"
    last_event_id: str = Field("", alias="lastEventId", pattern=_EVENT_ID)


class EventsQuery(CallEventsQuery):
    """What is wanted of all calls: those of one call, or of one conversation.

    `running` first brings what the calls that run have told so far, to a reader who does not resume.
    """

    call_id: str | None = Field(None, alias="callId")
    session_key: str | None = Field(None, alias="sessionKey")
    running: Literal["0", "1"] = "0"


class EventsHeaders(BaseModel):
    """What an EventSource sends when it comes back; it is newer than the address."""

    last_event_id: str = Field("", alias="Last-Event-ID", pattern=_EVENT_ID)


@operation({200: "text/event-stream"}, problems=(503,))
async def all_calls(request: web.Request, query: EventsQuery, headers: EventsHeaders) -> web.StreamResponse:
    """Stream the events of all calls, from now on or behind `Last-Event-ID`."""
    scope = Scope(query.call_id, query.session_key, query.partials == "1")
    tails, after = request.app[TAILS], _after(query, headers)
    if query.running == "1" and after is None:
        return await _stream(request, tails.follow_running(scope, await tails.running()))
    return await _stream(request, tails.follow(scope, await tails.beginning(after)))


@operation({200: "text/event-stream", 204: None}, problems=(404, 503))
async def one_call(
    request: web.Request, query: CallEventsQuery, headers: EventsHeaders
) -> web.StreamResponse:
    """Stream one call from its first event, or behind `Last-Event-ID`; ends when it is in OpenClaw."""
    call_id = request.match_info["id"]
    journal = request.app[JOURNAL]
    if await journal.session(call_id) is None:
        raise NotFoundError("No event of this call has come.")
    after = _after(query, headers) or 0
    synced = await journal.synced_number(call_id)
    if synced is not None and after >= synced:
        return web.Response(status=204)  # An EventSource stops asking at that.
    tails, scope = request.app[TAILS], Scope(call_id, partials=query.partials == "1")
    return await _stream(request, tails.follow(scope, await tails.beginning(after)), until=SYNCED)


async def end_all(app: web.Application) -> None:
    """End every stream: readers that keep up with a clean end, stuck ones at once."""
    app[TAILS].close()
    for transport in app[STREAMS].copy():
        _cut_if_stuck(transport)


async def _stream(
    request: web.Request, followed: AsyncGenerator[list[Frame], None], *, until: str | None = None
) -> web.StreamResponse:
    settings = request.app[SETTINGS]
    async with (
        _counted(request),
        sse_response(
            request, sep="\n", ping_interval=settings.sse_ping_seconds, send_timeout=settings.sse_send_seconds
        ) as response,
        aclosing(followed) as batches,
    ):
        async for batch in batches:
            if not response.is_connected() or not await _sent(response, batch, settings.sse_send_seconds):
                break
            if until is not None and any(frame.type == until for frame in batch):
                break
    return response


async def _sent(response: EventSourceResponse, batch: list[Frame], seconds: float) -> bool:
    """Send a batch in one write; False if the client has gone or reads too slowly."""
    if not batch:
        return True
    try:
        async with asyncio.timeout(seconds):
            await response.write(b"".join(frame.encoded for frame in batch))
    except (
        ConnectionError,
        TimeoutError,
    ):  # who waits for a full socket is told in other words that it broke
        return False
    return True


@asynccontextmanager
async def _counted(request: web.Request) -> AsyncIterator[None]:
    """Keep the connection where `end_all` finds it; one that is stuck at the end is cut."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError
    if (sock := transport.get_extra_info("socket")) is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    request.app[STREAMS].add(transport)
    try:
        yield
    finally:
        request.app[STREAMS].discard(transport)
        _cut_if_stuck(transport)


def _cut_if_stuck(transport: asyncio.Transport) -> None:
    if transport.get_write_buffer_size():
        transport.abort()


def _after(query: CallEventsQuery, headers: EventsHeaders) -> int | None:
    last = headers.last_event_id or query.last_event_id
    return int(last) if last else None
