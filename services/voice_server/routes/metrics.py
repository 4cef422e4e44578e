"""`/metrics`: what is measured, in Prometheus' text format."""

import math
import time
from contextlib import suppress

from aiohttp import web

from services.voice_server.keys import METRICS, OUTBOX, REGISTRY, STORE, SWITCHBOARD
from shared.database import DatabaseError
from shared.metrics import response
from shared.operation import operation

routes = web.RouteTableDef()


@routes.get("/metrics")
@operation({200: "text/plain"})
async def show_metrics(request: web.Request) -> web.Response:
    """Show what is measured of the calls, their events, and the process."""
    app = request.app
    metrics = app[METRICS]
    backlog: tuple[float, float] = (math.nan, math.nan)
    recordings = math.nan
    with suppress(DatabaseError):
        backlog = await app[STORE].backlog(time.time())
        recordings = len(await app[STORE].recordings.open())
    metrics.recordings_pending.set(recordings)
    metrics.outbox_events.set(backlog[0])
    metrics.outbox_oldest.set(backlog[1])
    metrics.outbox_stuck.set(app[OUTBOX].stuck_calls)
    metrics.active_calls.set(len(app[SWITCHBOARD].active))
    return response(app[REGISTRY])
