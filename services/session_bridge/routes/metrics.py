"""`GET /metrics`: what is measured, in Prometheus' text format."""

import math
import time
from collections import Counter
from contextlib import suppress

from aiohttp import web

from services.session_bridge.domain.session import State
from services.session_bridge.keys import JOURNAL, METRICS, REGISTRY, STREAMS
from shared.database import DatabaseError
from shared.metrics import response
from shared.operation import operation

_OPEN = (State.ACTIVE, State.SYNCING, State.FAILED)


@operation({200: "text/plain"})
async def show_metrics(request: web.Request) -> web.Response:
    """Show what is measured of the events, their followers, the writes, and the process."""
    app = request.app
    metrics = app[METRICS]
    counts: dict[State, float] = dict.fromkeys(_OPEN, math.nan)
    overdue = math.nan
    with suppress(DatabaseError):
        sessions = await app[JOURNAL].sessions(*_OPEN)
        found = Counter(session.state for session in sessions)
        counts = {state: found[state] for state in _OPEN}
        overdue = sum(session.is_overdue(time.time()) for session in sessions)
    for state, count in counts.items():
        metrics.sessions.labels(state).set(count)
    metrics.overdue.set(overdue)
    metrics.subscribers.set(len(app[STREAMS]))
    return response(app[REGISTRY])
