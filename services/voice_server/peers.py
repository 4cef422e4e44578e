"""Whom a call deals with, and what it is told from the start."""

from dataclasses import dataclass

from services.voice_server.adapters.bridge import Outbox
from services.voice_server.adapters.memory import Memory
from services.voice_server.adapters.openai_calls import OpenAICalls
from services.voice_server.adapters.openclaw import OpenClaw
from services.voice_server.adapters.realtime import Realtime
from services.voice_server.adapters.store import Store
from services.voice_server.adapters.twilio_api import TwilioApi
from services.voice_server.domain.agent import Agent
from services.voice_server.domain.cost import Prices
from services.voice_server.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Peers:
    """Whom a call deals with."""

    agent: Agent
    prices: Prices
    metrics: Metrics
    store: Store
    outbox: Outbox
    twilio: TwilioApi
    openai: OpenAICalls
    realtime: Realtime
    openclaw: OpenClaw
    memory: Memory
