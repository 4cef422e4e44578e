"""Typed keys of what `app.py` builds and the routes use."""

import asyncio

from aiohttp import web
from prometheus_client import CollectorRegistry

from services.session_bridge.adapters.journal import Journal
from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.recent import RecentTurns
from services.session_bridge.adapters.openclaw.rpc import OpenClawRpc
from services.session_bridge.adapters.openclaw.stores import OpenClawStores
from services.session_bridge.adapters.people import People
from services.session_bridge.adapters.session_keys import SessionKeys
from services.session_bridge.adapters.voice_server import VoiceServer
from services.session_bridge.browsers import BrowserDoor
from services.session_bridge.delivery import Delivery
from services.session_bridge.messenger import Messenger
from services.session_bridge.metrics import Metrics
from services.session_bridge.settings import BridgeSettings
from services.session_bridge.tails import Tails

SETTINGS = web.AppKey("settings", BridgeSettings)
DOOR = web.AppKey("door", BrowserDoor)
JOURNAL = web.AppKey("journal", Journal)
PEOPLE = web.AppKey("people", People)
FOLDER = web.AppKey("folder", OpenClawFolder)
RPC = web.AppKey("rpc", OpenClawRpc)
RECENT = web.AppKey("recent", RecentTurns)
STORES = web.AppKey("stores", OpenClawStores)
SESSION_KEYS = web.AppKey("session_keys", SessionKeys)
VOICE_SERVER = web.AppKey("voice_server", VoiceServer)
DELIVERY = web.AppKey("delivery", Delivery)
MESSENGER = web.AppKey("messenger", Messenger)
STREAMS: web.AppKey[set[asyncio.Transport]] = web.AppKey("streams")
"""The connections that are event streams."""

TAILS = web.AppKey("tails", Tails)
METRICS = web.AppKey("metrics", Metrics)
REGISTRY = web.AppKey("registry", CollectorRegistry)
