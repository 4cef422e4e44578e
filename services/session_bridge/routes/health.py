"""`GET /health`: whether calls can be taken and come into OpenClaw."""

import asyncio

from aiohttp import web
from pydantic import BaseModel

from services.session_bridge.adapters.openclaw_folder import CannotWriteYetError, OpenClawFolder, Store
from services.session_bridge.domain.session import Session, State
from services.session_bridge.keys import JOURNAL, OPENCLAW, SETTINGS, VOICE_SERVER
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
    waiting = [session for session in open_sessions if session.state is State.FAILED]
    openclaw = await asyncio.to_thread(_openclaw, app[OPENCLAW], app[SETTINGS].openclaw_agent_id, waiting)
    checks = {"voice_server": await app[VOICE_SERVER].check(), "openclaw": openclaw, "journal": journal}
    told = BridgeHealth(
        status=health.overall(checks.values()),
        version=health.VERSION,
        active_calls=sum(session.state is State.ACTIVE for session in open_sessions),
        checks=Checks(**checks),
    )
    return json_response(told, status=503 if journal.status == "failed" else 200)


def _openclaw(folder: OpenClawFolder, agent_id: str, waiting: list[Session]) -> health.Check:
    if waiting:
        return health.failed(f"Ended calls waiting to be written: {len(waiting)}. {waiting[0].last_error}")
    try:
        folder.config()
        folder.require_jsonl(agent_id)
    except CannotWriteYetError as error:
        undecided = folder.store(agent_id) is None
        return health.unknown(str(error)) if undecided else health.failed(str(error))
    return health.ok(f"store {Store.JSONL} at {folder.sessions(agent_id)}")
