"""`/health`: is the server well, and what is wrong if it is not."""

from aiohttp import web
from pydantic import BaseModel

from services.voice_server.keys import OUTBOX, PEERS, STORE, SWITCHBOARD
from shared import health
from shared.database import DatabaseError
from shared.operation import OPEN, operation
from shared.problems import json_response

routes = web.RouteTableDef()


class Checks(BaseModel):
    """What the voice server depends on."""

    openai: health.Check
    twilio: health.Check
    bridge: health.Check
    store: health.Check


class VoiceHealth(health.Health):
    """How the voice server and its peers are."""

    checks: Checks


@routes.get("/health")
@operation({200: VoiceHealth, 503: VoiceHealth}, security=OPEN)
async def show_health(request: web.Request) -> web.Response:
    """Tell how the server and its peers are; 503 only when no call can be served."""
    peers = request.app[PEERS]
    try:
        await request.app[STORE].undelivered_calls()
        fault = request.app[STORE].write_fault
    except DatabaseError as error:
        fault = str(error)
    store = (
        health.failed(f"{fault}; look at the disk and at DATA_DIR.") if fault else health.ok("Plays along.")
    )
    checks = {
        "openai": peers.openai.health,
        "twilio": peers.twilio.health,
        "bridge": request.app[OUTBOX].health,
        "store": store,
    }
    told = VoiceHealth(
        status=health.overall(checks.values()),
        version=health.VERSION,
        active_calls=len(request.app[SWITCHBOARD].active),
        checks=Checks(**checks),
    )
    return json_response(told, status=503 if store.status == "failed" else 200)
