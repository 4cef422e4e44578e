"""`/history`: the calls there were, and what was said in them."""

import time
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.voice_server.adapters.store import Filter
from services.voice_server.domain.record import CallRecord
from services.voice_server.keys import STORE, SWITCHBOARD
from services.voice_server.routes.views import CallDetails, CallSummary, details, summary
from shared import phone
from shared.events import ANONYMOUS, CallStatus, Direction, Speaker, Timestamp
from shared.operation import operation
from shared.problems import NotFoundError, json_response

routes = web.RouteTableDef()

MAX_PAGE = 100


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
    return json_response(details(call, told, time.time(), delivered=delivered))


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


async def _call(request: web.Request) -> CallRecord:
    call_id = request.match_info["id"]
    if runner := request.app[SWITCHBOARD].find(call_id):
        return runner.record
    if call := await request.app[STORE].call(call_id):
        return call
    raise NotFoundError(f"There is no call {call_id!r}; GET /history lists them.")
