"""`/health`: is the server well, and what is wrong if it is not."""

from aiohttp import web

from services.voice_server.keys import OUTBOX, PEERS, STORE, SWITCHBOARD
from shared import health
from shared.database import DatabaseError
from shared.problems import json_response

routes = web.RouteTableDef()


@routes.get("/health")
async def show_health(request: web.Request) -> web.Response:
    """Tell how the server and its peers are; 503 only when no call can be served."""
    peers = request.app[PEERS]
    try:
        await request.app[STORE].undelivered_calls()
        store = health.ok("Reads and writes.")
    except DatabaseError as error:
        store = health.failed(f"{error}; look at the disk and at DATA_DIR.")
    checks = {
        "openai": peers.openai.health,
        "twilio": peers.twilio.health,
        "bridge": request.app[OUTBOX].health,
        "store": store,
    }
    body = {
        "status": health.overall(checks),
        "version": health.VERSION,
        "active_calls": len(request.app[SWITCHBOARD].active),
        "checks": {name: check.model_dump() for name, check in checks.items()},
    }
    return json_response(body, status=503 if store.status == "failed" else 200)
