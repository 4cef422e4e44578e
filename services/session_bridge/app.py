"""Put the session bridge together; the only file that knows all its parts."""

from collections.abc import AsyncIterator

import aiohttp
import structlog
from aiohttp import web

from services.session_bridge.adapters.deliveries import Deliveries
from services.session_bridge.adapters.journal import Journal
from services.session_bridge.adapters.late_answers import LateAnswers
from services.session_bridge.adapters.openclaw.chat import Chat
from services.session_bridge.adapters.openclaw.cli import OpenClawCommand
from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.gateway import GatewayStore
from services.session_bridge.adapters.openclaw.jsonl import JsonlStore
from services.session_bridge.adapters.openclaw.recent import RecentTurns
from services.session_bridge.adapters.openclaw.rpc import OpenClawRpc
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.adapters.openclaw.stores import OpenClawStores
from services.session_bridge.adapters.people import People
from services.session_bridge.adapters.session_keys import SessionKeys
from services.session_bridge.adapters.voice_server import (
    VoiceServer,
    VoiceServerError,
    VoiceServerSlowError,
)
from services.session_bridge.browsers import BrowserDoor, CrossSiteError, StrangeHostError
from services.session_bridge.delivery import Delivery
from services.session_bridge.domain.session import AfterEndError, GapError
from services.session_bridge.domain.session_key import Callers
from services.session_bridge.keys import (
    DELIVERY,
    DOOR,
    FOLDER,
    JOURNAL,
    MESSENGER,
    METRICS,
    PEOPLE,
    RECENT,
    REGISTRY,
    RPC,
    SESSION_KEYS,
    SETTINGS,
    STORES,
    STREAMS,
    TAILS,
    VOICE_SERVER,
)
from services.session_bridge.messenger import Messenger
from services.session_bridge.metrics import Metrics
from services.session_bridge.routes import (
    call_events,
    context,
    events,
    health,
    metrics,
    page,
    people,
    phone,
    phone_recording,
    session_key,
    sessions,
    sign_in,
    sync,
)
from services.session_bridge.settings import BridgeSettings
from services.session_bridge.tails import Tails
from shared import logs, openapi, problems
from shared.claim import claim, refuse_folder
from shared.database import DatabaseError
from shared.health import VERSION
from shared.metrics import new_registry
from shared.retention import forget_daily
from shared.server import Runner
from shared.settings import address, load
from shared.tasks import Tasks

log = structlog.get_logger()

_STATUSES: problems.StatusTable = {
    GapError: (409, "Out of sequence"),
    AfterEndError: (409, "Call has ended"),
    sync.CallRunningError: (409, "Call is running"),
    VoiceServerSlowError: (504, "Voice server too slow"),
    CrossSiteError: (403, "Cross-site request"),
    StrangeHostError: (403, "Strange host"),
    VoiceServerError: (502, "Voice server failed"),
    DatabaseError: (503, "Journal unusable"),
    CannotWriteYetError: (503, "OpenClaw out of reach"),
}


_DELIVERIES = frozenset({"/call-event"})
"""Where the voice server brings what was said, thousands a second if need be."""

_WAITING = 0.8
"""The share of `OPENCLAW_CONTEXT_TIMEOUT` in which turns are waited for before older ones are told."""


async def create() -> Runner:
    """Build the service from the environment, ready to be served; gunicorn's factory."""
    settings = load(BridgeSettings)
    logs.configure(settings.log_level, settings.log_format)
    claim(settings.data_dir, "session bridge")
    log.info(
        "session_bridge_configured",
        version=VERSION,
        voice_server=address(settings.voice_server_url),
        data_dir=str(settings.data_dir),
        history_days=settings.history_days,
        openclaw_store=settings.openclaw_store,
        openclaw_state_dir=str(settings.state_dir),
        openclaw_agent_id=settings.openclaw_agent_id,
        owners=len(settings.owner_numbers),
        wants_key=settings.bridge_api_key is not None,
    )
    return Runner(build(settings))


def build(settings: BridgeSettings) -> web.Application:
    """Build the service from settings."""
    door = BrowserDoor(settings.bridge_api_key, settings.requests_per_minute, settings.bridge_url)
    app = web.Application(
        middlewares=[
            logs.name_the_call,
            problems.middleware(_STATUSES),
            door.middleware(_DELIVERIES),
        ],
        client_max_size=problems.BODY_LIMIT_BYTES,
    )
    app[SETTINGS] = settings
    app[DOOR] = door
    app[STREAMS] = set()
    app[REGISTRY] = new_registry()
    app[METRICS] = Metrics(app[REGISTRY])
    app[FOLDER] = OpenClawFolder(settings.state_dir, OpenClawCommand())
    callers = Callers(settings.openclaw_agent_id, settings.owner_numbers, settings.session_map)
    app[SESSION_KEYS] = SessionKeys(callers, app[FOLDER])
    app.add_routes(
        [
            web.get("/", page.show_page),
            web.get("/web/{file}", page.show_file),
            web.post("/call-event", call_events.take),
            web.post("/sync-transcript", sync.sync_transcript),
            web.get("/sessions", sessions.list_sessions),
            web.get("/sessions/{sessionKey}/context", context.show_context),
            web.get("/session-key", session_key.show_session_key),
            web.get("/events", events.all_calls, allow_head=False),
            web.get("/calls/{id}/events", events.one_call, allow_head=False),
            *phone.routes(),
            web.delete("/people/{number}", people.forget_person),
            *phone_recording.routes,
            web.post("/sign-in", sign_in.sign_in),
            web.get("/sign-in", sign_in.show_sign_in),
            web.delete("/sign-in", sign_in.sign_out),
            web.get("/health", health.show_health),
            web.get("/metrics", metrics.show_metrics),
        ]
    )
    openapi.publish(app, "Session bridge", browsers=True)
    app.cleanup_ctx.extend([_voice_server, _journal, _tails, _openclaw, _delivery])
    app.on_shutdown.append(events.end_all)
    return app


async def _voice_server(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        app[VOICE_SERVER] = VoiceServer(
            http, settings.voice_server_url, settings.voice_api_key, settings.voice_server_timeout
        )
        yield


async def _journal(app: web.Application) -> AsyncIterator[None]:
    folder = app[SETTINGS].data_dir
    try:
        app[JOURNAL] = Journal(folder / "bridge.sqlite")
    except (OSError, DatabaseError) as error:
        refuse_folder(folder, error)
    app[PEOPLE] = People(app[JOURNAL])
    async with Tasks() as tasks:
        tasks.start(forget_daily(app[JOURNAL].forget, app[SETTINGS].history_days), name="retention")
        yield
    await app[JOURNAL].close()


async def _tails(app: web.Application) -> AsyncIterator[None]:
    app[TAILS] = tails = Tails(app[JOURNAL], app[SETTINGS].sse_ping_seconds)
    async with Tasks() as tasks:
        tasks.start(tails.run(), name="tails")
        yield


async def _openclaw(app: web.Application) -> AsyncIterator[None]:
    settings, folder = app[SETTINGS], app[FOLDER]
    async with aiohttp.ClientSession() as http, Tasks() as tasks:
        app[RPC] = rpc = OpenClawRpc(http, settings.find_gateway, settings.openclaw_gateway_timeout)
        tasks.start(rpc.run(), name="gateway")
        reading_seconds = settings.openclaw_context_timeout
        unhurried = GatewayStore(rpc, settings.openclaw_gateway_timeout)
        app[RECENT] = recent = RecentTurns(
            rpc, unhurried.newest, app[SESSION_KEYS].owners, reading_seconds * _WAITING
        )
        rpc.told = recent.told
        tasks.start(recent.run(), name="recent turns")
        stores = (
            JsonlStore(folder, create_entry=rpc.create_entry),
            GatewayStore(rpc, written=recent.written),
        )
        app[STORES] = OpenClawStores(settings.openclaw_store, folder, rpc, stores, reading_seconds, recent)
        yield
        await app[STORES].close()


async def _delivery(app: web.Application) -> AsyncIterator[None]:
    journal = app[JOURNAL]
    app[DELIVERY] = Delivery(journal, Deliveries(journal), app[SESSION_KEYS], app[STORES].of, app[METRICS])
    app[MESSENGER] = Messenger(LateAnswers(journal), Chat(app[RPC]), app[METRICS])

    def connected() -> None:
        app[RECENT].connected()
        app[DELIVERY].hurry()
        app[MESSENGER].hurry()

    app[RPC].connected = connected
    await app[DELIVERY].resume()
    async with Tasks() as tasks:
        tasks.start(app[MESSENGER].run(), name="messenger")
        yield
    await app[DELIVERY].close()
