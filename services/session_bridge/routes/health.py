"""`GET /health`: whether calls can be taken and come into OpenClaw."""

import time

from aiohttp import web
from pydantic import BaseModel

from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain.session import Session, State
from services.session_bridge.keys import JOURNAL, SETTINGS, STORES, VOICE_SERVER
from shared import health
from shared.database import DatabaseError
from shared.operation import OPEN, operation
from shared.problems import json_response


class Checks(BaseModel):
    """What the session bridge depends on."""

    voice_server: health.Check
    openclaw: health.Check
    journal: health.Check


class BridgeHealth(health.Health):
    """How the session bridge is, and what it writes into."""

    checks: Checks


@operation({200: BridgeHealth, 503: BridgeHealth}, security=OPEN)
async def show_health(request: web.Request) -> web.Response:
    """Answer 200, degraded if something needs attention; 503 only if no event can be kept."""
    app = request.app
    open_sessions: list[Session] = []
    try:
        open_sessions = await app[JOURNAL].sessions(State.ACTIVE, State.SYNCING, State.FAILED)
        journal = health.ok("readable and writable")
    except DatabaseError as error:
        journal = health.failed(f"DATA_DIR cannot be used: {error}")
    openclaw = await _openclaw(app, [session for session in open_sessions if session.is_unwritten])
    checks = {"voice_server": await app[VOICE_SERVER].check(), "openclaw": openclaw, "journal": journal}
    told = BridgeHealth(
        status=health.overall(checks.values()),
        version=health.VERSION,
        active_calls=sum(session.state is State.ACTIVE for session in open_sessions),
        checks=Checks(**checks),
    )
    return json_response(told, status=503 if journal.status == "failed" else 200)


async def _openclaw(app: web.Application, waiting: list[Session]) -> health.Check:
    try:
        store, why = await app[STORES].choice(app[SETTINGS].openclaw_agent_id)
    except CannotWriteYetError as error:
        return health.failed(str(error))
    told = f"store {store}: {why}" if store else why
    if fault := _unwritten(waiting):
        return health.failed(fault if why in fault else f"{fault} ({told})")
    if store is None:
        return health.unknown(told)
    try:
        await app[STORES].check(store, app[SETTINGS].openclaw_agent_id)
    except CannotWriteYetError as error:
        return health.failed(f"{error} ({told})")
    return health.ok(told)


def _unwritten(waiting: list[Session]) -> str | None:
    """Say what keeps ended calls, given the newest first, out of OpenClaw; None if nothing does."""
    failed = [session for session in waiting if session.state is State.FAILED]
    if overdue := [session for session in waiting if session.is_overdue(time.time())]:
        first, why = overdue[-1].call_id, overdue[-1].last_error or "Nothing has been tried yet."
        return f"NOT IN OPENCLAW FOR MORE THAN A DAY: {len(overdue)}, first {first}. {why}"
    return f"Ended calls waiting to be written: {len(failed)}. {failed[-1].last_error}" if failed else None
