"""The composition root: builds every part of the voice server and ties them together."""

from collections.abc import AsyncIterator

import aiohttp
import structlog
from aiohttp import web

from services.voice_server import keys
from services.voice_server.adapters.bridge import Outbox
from services.voice_server.adapters.memory import Memory
from services.voice_server.adapters.openai_calls import OpenAICalls, OpenAIError
from services.voice_server.adapters.openai_webhook import WebhookFormatError, WebhookSignatureError
from services.voice_server.adapters.openclaw import OpenClaw, gateway_client
from services.voice_server.adapters.openclaw_cli import OpenClawCommand
from services.voice_server.adapters.people import StillUnderwayError
from services.voice_server.adapters.realtime import Realtime
from services.voice_server.adapters.store import Store
from services.voice_server.adapters.twilio_api import TwilioApi
from services.voice_server.adapters.twilio_errors import (
    ImpossibleCallError,
    TwilioBusyError,
    TwilioError,
    TwilioMisusedError,
    TwilioUncertainError,
    TwilioUnreachableError,
)
from services.voice_server.adapters.twilio_http import Credentials
from services.voice_server.adapters.twilio_recordings import TwilioRecordings
from services.voice_server.adapters.twilio_webhook import TwilioSignatureError
from services.voice_server.domain import signals as s
from services.voice_server.domain.agent import Agent
from services.voice_server.domain.cost import NO_PRICES, Prices
from services.voice_server.domain.opening import Limits
from services.voice_server.domain.policy import (
    DestinationRefusedError,
    PhoneOffError,
    Policy,
    TooManyCallsError,
)
from services.voice_server.domain.quotas import Quotas
from services.voice_server.metrics import Metrics
from services.voice_server.orders import KeyReusedError, Orders, StillPlacedError
from services.voice_server.peers import Peers
from services.voice_server.recorder import Recorder
from services.voice_server.routes import calls, days, health, hello, history, metrics, people, twilio, webhook
from services.voice_server.settings import AgentFileError, PricesFileError, VoiceSettings
from services.voice_server.switchboard import CallGivenUpError, StoppingError, Switchboard
from shared import bearer, logs, openapi, problems, settings
from shared.claim import claim, refuse_folder
from shared.database import DatabaseError
from shared.health import VERSION
from shared.metrics import new_registry
from shared.retention import forget_daily
from shared.server import Runner
from shared.settings import address
from shared.tasks import Tasks

log = structlog.get_logger()

_DELIVERY_SECONDS = 1
"""How long a stop may take to deliver what is queued; the rest is delivered at the next start."""

STATUSES: problems.StatusTable = {
    WebhookSignatureError: (401, "Bad signature"),
    WebhookFormatError: (400, "Bad webhook"),
    TwilioSignatureError: (403, "Bad signature"),
    PhoneOffError: (403, "Phone is off"),
    history.RangeError: (416, "Range not satisfiable"),
    DestinationRefusedError: (403, "Destination refused"),
    ImpossibleCallError: (422, "Call impossible"),
    TooManyCallsError: (429, "Too many calls"),
    StoppingError: (503, "Stopping"),
    KeyReusedError: (422, "Key used before"),
    StillPlacedError: (409, "Still being placed"),
    CallGivenUpError: (503, "Call given up"),
    TwilioBusyError: (503, "Twilio is busy"),
    TwilioUnreachableError: (503, "Twilio cannot be reached"),
    TwilioMisusedError: (500, "Twilio misused"),
    TwilioUncertainError: (502, "Twilio did not answer clearly"),
    TwilioError: (502, "Twilio failed"),
    OpenAIError: (502, "OpenAI failed"),
    StillUnderwayError: (409, "Still under way"),
    DatabaseError: (503, "Disk failed"),
}


async def create() -> Runner:
    """Build the application from the environment, ready to be served; gunicorn's factory.

    A fault in the settings or in `agent.json` ends the process with a line that says what to change.
    """
    config = settings.load(VoiceSettings)
    logs.configure(config.log_level, config.log_format)
    try:
        agent, warnings = config.load_agent()
    except AgentFileError as error:
        settings.refuse_to_start(f"The agent needs a change:\n  {error}")
    try:
        prices = config.load_prices()
    except PricesFileError as error:
        settings.refuse_to_start(f"The price list needs a change:\n  {error}")
    claim(config.data_dir, "voice server")
    _introduce(config, agent, prices)
    for warning in warnings:
        log.warning("agent_outdated", warning=warning)
    app = build(config, agent, prices or NO_PRICES)
    return Runner(app, before_stop=lambda: stop(app))


def _introduce(config: VoiceSettings, agent: Agent, prices: Prices | None) -> None:
    """Say in the log how this server is set up, and what it has to do without."""
    log.info(
        "voice_server_configured",
        version=VERSION,
        public=address(config.public_url),
        openai=address(config.openai_base_url),
        twilio=address(config.twilio_base_url),
        bridge=address(config.bridge_url),
        data_dir=str(config.data_dir),
        history_days=config.history_days,
        model=agent.model,
        transcription_model=agent.transcription_model,
        prices_as_of=str(prices.as_of) if prices else None,
        calls=config.calls,
        record_calls=config.record_calls,
        max_concurrent_calls=config.max_concurrent_calls,
        owners=len(config.owner_numbers),
        wants_key=config.voice_api_key is not None,
    )
    if prices is None:
        missing = (
            "no cost is known, MAX_DOLLARS_PER_DAY counts nothing; copy config/prices.json of the project"
        )
        log.warning("prices_missing", folder=str(config.config_dir), consequence=missing)


def build(config: VoiceSettings, agent: Agent, prices: Prices) -> web.Application:
    """Build the application for these settings, this agent and these prices."""
    app = web.Application(
        middlewares=[
            logs.name_the_call,
            problems.middleware(STATUSES),
            bearer.middleware(config.voice_api_key, config.requests_per_minute),
        ],
        client_max_size=problems.BODY_LIMIT_BYTES,
    )
    for module in (webhook, twilio, hello, calls, history, days, health, metrics, people):
        app.add_routes(module.routes)
    openapi.publish(app, "Voice server")
    app[keys.SETTINGS] = config
    app[keys.REGISTRY] = new_registry()
    app[keys.METRICS] = Metrics(app[keys.REGISTRY])

    async def parts(app: web.Application) -> AsyncIterator[None]:
        # A default connector would queue the 101st connection silently.
        connector = aiohttp.TCPConnector(limit=0)
        try:
            store = Store(config.data_dir)
        except (OSError, DatabaseError) as error:
            refuse_folder(config.data_dir, error)
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            gateway_client() as to_gateway,
            Tasks() as tasks,
        ):
            openclaw = _openclaw(config, to_gateway)
            switchboard = _switchboard(app, config, agent, prices, store, http, openclaw, tasks)
            recordings = TwilioRecordings(http, _credentials(config), config.twilio_base_url)
            app[keys.RECORDER] = Recorder(store, recordings, tasks, app[keys.METRICS])
            await app[keys.OUTBOX].start()
            await app[keys.RECORDER].start()
            await switchboard.resume()
            tasks.start(forget_daily(store.forget, config.history_days), name="retention")
            yield
        await store.close()

    app.cleanup_ctx.append(parts)
    return app


async def stop(app: web.Application) -> None:
    """Let the running calls end, hang up the rest, and deliver what is queued. Once is enough."""
    if await app[keys.SWITCHBOARD].drain(app[keys.SETTINGS].drain_seconds):
        await app[keys.OUTBOX].settle(_DELIVERY_SECONDS)


def _switchboard(
    app: web.Application,
    config: VoiceSettings,
    agent: Agent,
    prices: Prices,
    store: Store,
    http: aiohttp.ClientSession,
    openclaw: OpenClaw,
    tasks: Tasks,
) -> Switchboard:
    api_key = config.openai_api_key.get_secret_value()

    def resolved(call_id: str, session_key: str) -> None:
        if runner := app[keys.SWITCHBOARD].find(call_id):
            runner.tell(s.SessionResolved(session_key))

    outbox = Outbox(
        http,
        config.bridge_url,
        bearer.header(config.bridge_api_key),
        store,
        tasks,
        resolved,
        app[keys.METRICS],
    )
    peers = Peers(
        agent=agent,
        prices=prices,
        metrics=app[keys.METRICS],
        store=store,
        outbox=outbox,
        twilio=TwilioApi(
            http,
            _credentials(config),
            config.twilio_base_url,
            config.public_url,
            config.twilio_phone_number,
        ),
        openai=OpenAICalls(http, config.openai_base_url, api_key),
        realtime=Realtime(config.openai_base_url, api_key),
        openclaw=openclaw,
        memory=Memory(http, config.bridge_url, bearer.header(config.bridge_api_key)),
    )
    policy = Policy(
        own_number=config.twilio_phone_number,
        owners=config.owner_numbers,
        allowed_callers=config.allowed_callers,
        outbound_regions=config.regions,
        max_concurrent_calls=config.max_concurrent_calls,
        outbound_numbers=config.outbound_numbers,
        calls=config.calls,
        trust_trunk_callers=config.trust_trunk_callers,
    )
    quotas = Quotas(config.caps, policy.dialled_without_question)
    limits = Limits(
        config.max_call_seconds, config.silence_seconds, config.reconcile_seconds, config.openclaw_timeout
    )
    app[keys.STORE], app[keys.OUTBOX], app[keys.PEERS] = store, outbox, peers
    app[keys.SWITCHBOARD] = Switchboard(peers, policy, quotas, limits, tasks)
    app[keys.ORDERS] = Orders(store, app[keys.SWITCHBOARD])
    return app[keys.SWITCHBOARD]


def _openclaw(config: VoiceSettings, http: aiohttp.ClientSession) -> OpenClaw:
    agent_id, command = config.openclaw_agent_id, None
    if config.openclaw_gateway_url is None:
        command = OpenClawCommand(agent_id, config.agent_environment)
    return OpenClaw(http, config.find_gateway, agent_id, command)


def _credentials(config: VoiceSettings) -> Credentials:
    return Credentials(config.twilio_account_sid, *config.twilio_login)
