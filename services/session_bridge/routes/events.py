"""Server-sent events: all calls, or one call from its beginning."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from services.session_bridge.adapters.journal import SYNCED
from services.session_bridge.keys import JOURNAL, SETTINGS, STREAMS, TAILS
from services.session_bridge.tails import Frame, Scope
from shared.problems import InvalidRequestError, NotFoundError

_SEND_BUFFER_BYTES = 64 * 1024
"""What the kernel may hold for a client that does not read, before we notice."""


async def all_calls(request: web.Request) -> web.StreamResponse:
    """Stream the events of all calls, from now on or behind `Last-Event-ID`."""
    scope = Scope(request.query.get("callId"), request.query.get("sessionKey"), _partials(request))
    return await _stream(request, scope, _last_event_id(request), until=None)


async def one_call(request: web.Request) -> web.StreamResponse:
    """Stream one call from its first event, or behind `Last-Event-ID`; ends when it is in OpenClaw."""
    call_id = request.match_info["id"]
    journal = request.app[JOURNAL]
    if await journal.session(call_id) is None:
        raise NotFoundError("No event of this call has come.")
    after = _last_event_id(request) or 0
    synced = await journal.synced_number(call_id)
    if synced is not None and after >= synced:
        return web.Response(status=204)  # An EventSource stops asking at that.
    return await _stream(request, Scope(call_id, partials=_partials(request)), after, until=SYNCED)


async def end_all(app: web.Application) -> None:
    """End every stream: readers that keep up with a clean end, stuck ones at once."""
    app[TAILS].close()
    for transport in app[STREAMS].copy():
        _cut_if_stuck(transport)


async def _stream(
    request: web.Request, scope: Scope, after: int | None, *, until: str | None
) -> web.StreamResponse:
    settings, tails = request.app[SETTINGS], request.app[TAILS]
    beginning = await tails.beginning(after)
    async with (
        _counted(request),
        sse_response(
            request, sep="\n", ping_interval=settings.sse_ping_seconds, send_timeout=settings.sse_send_seconds
        ) as response,
        aclosing(tails.follow(scope, beginning)) as batches,
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
    except ConnectionResetError:
        return False
    except TimeoutError:
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


def _partials(request: web.Request) -> bool:
    value = request.query.get("partials", "0")
    if value not in {"0", "1"}:
        raise InvalidRequestError("partials: use 0 or 1")
    return value == "1"


def _last_event_id(request: web.Request) -> int | None:
    # The header is what an EventSource sends when it comes back; it is newer than the address.
    value = request.headers.get("Last-Event-ID") or request.query.get("lastEventId")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()) or len(value) > 18:
        raise InvalidRequestError("Last-Event-ID: use the id of an event that was received")
    return int(value)
