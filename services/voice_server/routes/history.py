"""`/history`: the calls there were, what was said in them, and what was recorded."""

import asyncio
import time
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.voice_server.adapters.store import Filter
from services.voice_server.domain.record import CallRecord
from services.voice_server.domain.recording import HERE, Progress, Recording
from services.voice_server.keys import STORE, SWITCHBOARD
from services.voice_server.routes.views import CallDetails, CallSummary, details, summary
from shared import phone
from shared.events import ANONYMOUS, CallStatus, Direction, Speaker, Timestamp
from shared.operation import operation
from shared.problems import NotFoundError, json_response

routes = web.RouteTableDef()

MAX_PAGE = 100
_WAV = "audio/wav"


class RangeError(Exception):
    """There is no such part of the recording."""


def _number(text: str) -> str:
    # An unescaped + arrives as a space.
    return text if text == ANONYMOUS else phone.parse(text.replace(" ", "+", 1) if text[:1] == " " else text)


class HistoryQuery(BaseModel):
    """Which part of the history is wanted."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(20, ge=1, le=MAX_PAGE)
    cursor: int | None = Field(None, ge=1, lt=2**63)
    direction: Direction | None = None
    status: CallStatus | None = None
    number: Annotated[str, AfterValidator(_number), phone.AS_NUMBER] | None = None
    text: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class RecordingHeaders(BaseModel):
    """Which part of a recording is wanted (RFC 9110, section 14.2)."""

    range: str | None = Field(None, alias="Range")
    if_range: str | None = Field(None, alias="If-Range")


class HistoryPage(BaseModel):
    """A part of the history; `next_cursor` leads to the older calls, null at the end."""

    calls: list[CallSummary]
    next_cursor: str | None


class Said(BaseModel):
    """A turn; `interrupted` if the other cut it short."""

    timestamp: Timestamp
    speaker: Speaker
    content: str
    item_id: str
    interrupted: bool


class Transcript(BaseModel):
    """What was said in a call, in the order it was spoken."""

    call_id: str
    transcript: list[Said]


@routes.get("/history")
@operation({200: HistoryPage}, problems=(503,))
async def history(request: web.Request, query: HistoryQuery) -> web.Response:
    """List calls, newest first; with `text` those in which somebody said that, in whatever case."""
    limits = query.cursor, query.direction, query.status, query.number, query.text
    wanted = Filter(query.limit + 1, *limits)
    rows = await request.app[STORE].history(wanted)
    page = rows[: query.limit]
    cursor = str(page[-1][0]) if len(rows) > query.limit else None
    now = time.time()
    return json_response(HistoryPage(calls=[summary(call, now) for _, call in page], next_cursor=cursor))


@routes.get("/history/{id}")
@operation({200: CallDetails}, problems=(404, 503))
async def one_call(request: web.Request) -> web.Response:
    """Show one call."""
    call = await _call(request)
    delivered = not await request.app[STORE].undelivered(str(call.call_id), limit=1)
    told = await request.app[STORE].tool_events(call)
    recording = await request.app[STORE].recordings.of(str(call.call_id))
    return json_response(details(call, told, recording, time.time(), delivered=delivered))


@routes.get("/history/{id}/transcript")
@operation({200: Transcript}, problems=(404, 503))
async def transcript(request: web.Request) -> web.Response:
    """Show what was said in a call, so far if it runs, in the order it was spoken."""
    call = await _call(request)
    turns = [
        Said(
            timestamp=turn.at,
            speaker=turn.speaker,
            content=turn.content,
            item_id=turn.item_id,
            interrupted=turn.interrupted,
        )
        for turn in await request.app[STORE].turns(call)
    ]
    return json_response(Transcript(call_id=call.call_id or "", transcript=turns))


@routes.get("/history/{id}/recording")
@operation({200: _WAV, 206: _WAV}, problems=(404, 416, 503), sends=("Accept-Ranges",))
async def recording(request: web.Request, headers: RecordingHeaders) -> web.StreamResponse:
    """Play what was recorded of a call, or a part of it: the person's side left, the assistant's right."""
    call_id = str((await _call(request)).call_id)
    recordings = request.app[STORE].recordings
    found = await recordings.of(call_id)
    if found is None or found.progress not in HERE:
        raise NotFoundError(_why_not(found))
    path = recordings.path(call_id)
    if headers.range and not headers.if_range and not _is_within(request, found.size_bytes or 0):
        raise RangeError(f"The recording has {found.size_bytes} bytes; ask for some of those.")
    if not await asyncio.to_thread(path.is_file):
        raise NotFoundError("The recording's file is gone from DATA_DIR/recordings.")
    # Private as it is, no cache may keep it.
    return web.FileResponse(path, headers={"Content-Type": _WAV, "Cache-Control": "no-store"})


def _is_within(request: web.Request, size: int) -> bool:
    try:
        begin = request.http_range.start
    except ValueError:
        return False
    return begin is None or begin < size


def _why_not(found: Recording | None) -> str:
    if found is None:
        return "Nothing was recorded of this call: RECORD_CALLS says which are, and through a trunk none are."
    if found.progress is Progress.ABSENT:
        return "Nothing was recorded of this call: it ended before there was anything."
    return found.fault or "The recording is not here yet; it is fetched from Twilio after the call."


async def _call(request: web.Request) -> CallRecord:
    call_id = request.match_info["id"]
    if runner := request.app[SWITCHBOARD].find(call_id):
        return runner.record
    if call := await request.app[STORE].call(call_id):
        return call
    raise NotFoundError(f"There is no call {call_id!r}; GET /history lists them.")
