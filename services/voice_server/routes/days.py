"""`/days`: how much was talked, day by day."""

import time
from datetime import UTC, date, datetime, timedelta

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.voice_server.adapters.daily import DAY_SECONDS, Span, Totals
from services.voice_server.keys import STORE
from shared.operation import operation
from shared.problems import json_response

routes = web.RouteTableDef()

_NONE = Totals()


class DaysQuery(BaseModel):
    """How many days up to today are wanted, and where; clocks there are so many minutes ahead of UTC."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(30, ge=1, le=366)
    utc_offset_minutes: int = Field(0, ge=-720, le=840)


class Day(BaseModel):
    """The calls that began on a day, without the rejected ones, and how long they were talked.

    `cost_usd` is the sum of what is known; null if there were calls and no call's cost is known.
    """

    date: date
    calls: int
    seconds: int
    cost_usd: float | None


class Days(BaseModel):
    """Days, the oldest first, those without a call too."""

    days: list[Day]


@routes.get("/days")
@operation({200: Days}, problems=(503,))
async def days(request: web.Request, query: DaysQuery) -> web.Response:
    """Add up the calls of each of the last days, up to today."""
    now, ahead_seconds = time.time(), query.utc_offset_minutes * 60
    today = int(now + ahead_seconds) // DAY_SECONDS
    span = Span(today - query.days + 1, today, ahead_seconds)
    found = await request.app[STORE].days(span, now)
    listed = [_shown(number, found.get(number, _NONE)) for number in range(span.first, span.last + 1)]
    return json_response(Days(days=listed))


def _shown(number: int, totals: Totals) -> Day:
    day = (datetime.fromtimestamp(0, UTC) + timedelta(days=number)).date()
    return Day(date=day, calls=totals.calls, seconds=totals.seconds, cost_usd=totals.cost_usd)
