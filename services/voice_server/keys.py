"""The parts of the voice server that its routes reach through the application."""

from aiohttp import web
from prometheus_client import CollectorRegistry

from services.voice_server.adapters.bridge import Outbox
from services.voice_server.adapters.store import Store
from services.voice_server.metrics import Metrics
from services.voice_server.orders import Orders
from services.voice_server.peers import Peers
from services.voice_server.recorder import Recorder
from services.voice_server.settings import VoiceSettings
from services.voice_server.switchboard import Switchboard

SETTINGS = web.AppKey("settings", VoiceSettings)
SWITCHBOARD = web.AppKey("switchboard", Switchboard)
ORDERS = web.AppKey("orders", Orders)
STORE = web.AppKey("store", Store)
OUTBOX = web.AppKey("outbox", Outbox)
RECORDER = web.AppKey("recorder", Recorder)
PEERS = web.AppKey("peers", Peers)
METRICS = web.AppKey("metrics", Metrics)
REGISTRY = web.AppKey("registry", CollectorRegistry)
