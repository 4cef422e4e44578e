"""What the gateway's methods answer, from what the agent remembers."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any
from uuid import uuid4

from sandbox.gateway import params as take
from sandbox.gateway.agent import Agent, canonical, session_row
from sandbox.gateway.deliveries import OWNERS, Deliveries
from sandbox.gateway.errors import invalid, missing_scope, unavailable
from sandbox.gateway.handshake import Operator
from sandbox.gateway.memory import Conversation, Memory, now_ms
from sandbox.gateway.releases import Ways
from sandbox.gateway.session_file import enter
from sandbox.switches import Switches

_PROVIDERS = ("openai", "google", "xai")
_PLUGIN = "voice-bridge"
_MIRROR = {"provider": "openclaw", "model": "delivery-mirror"}
_PATCHED_BY_WRITERS = {"key", "label"}


@dataclass
class Methods:
    """Answer requests.

    Attributes:
        agent: takes the turns, and tells whoever listens.
        deliveries: brings messages to chats.
        sessions_json: where sessions that are named are entered, too, if anywhere.
    """

    memory: Memory
    switches: Switches
    agent: Agent
    deliveries: Deliveries
    sessions_json: Path | None = None

    def answer(self, operator: Operator, method: str, given: Any, ways: Ways) -> dict[str, Any]:
        """Do what is asked and give the payload of the answer.

        Raises:
            WireError: it is refused.
        """
        if method not in ways.methods:
            raise (
                invalid(f"unknown method: {method}")
                if operator.may("operator.admin")
                else missing_scope("operator.admin", detailed=ways.detailed)
            )
        scope, model, handler = _METHODS[method]
        if method == "sessions.patch":
            scope = ways.patch_scope if set(given or {}) <= _PATCHED_BY_WRITERS else "operator.admin"
        if not operator.may(scope):
            raise missing_scope(scope or "", detailed=ways.detailed)
        return handler(self, operator, take.read(model, method, given))

    def health(self, _operator: Operator, _asked: take.Nothing) -> dict[str, Any]:
        """Tell that the gateway lives."""
        return {"ok": True, "ts": now_ms(), "durationMs": 1, "channels": {}, "defaultAgentId": "main"}

    def config(self, _operator: Operator, _asked: take.Nothing) -> dict[str, Any]:
        """Show the configuration, which is the one of a fresh installation."""
        return {"exists": True, "parsed": {}, "config": {}}

    def history(self, _operator: Operator, asked: take.ChatHistory) -> dict[str, Any]:
        """Give the newest rows, or those around one."""
        if asked.session_id and not asked.message_id:
            raise invalid("sessionId requires messageId")
        key = canonical(asked.session_key)
        conversation = self.memory.conversations.get(key)
        info = session_row(conversation, key, busy=self.switches.gateway_busy)
        answer: dict[str, Any] = {"sessionKey": asked.session_key, "sessionInfo": info}
        if conversation is None:
            return answer | {"messages": [], "hasMore": False, "totalMessages": 0}
        answer["sessionId"] = conversation.session_id
        if asked.session_id not in {None, conversation.session_id}:
            raise invalid("sessionId does not belong to sessionKey")
        return answer | (_around(conversation, asked) if asked.message_id else _newest(conversation, asked))

    def message(self, _operator: Operator, asked: take.ChatMessage) -> dict[str, Any]:
        """Give one row, also one from before a reset."""
        conversation = self.memory.conversations.get(canonical(asked.session_key))
        row = conversation.row(asked.message_id) if conversation else None
        if row is None:
            return {"ok": False, "unavailableReason": "not_found"}
        return {"ok": True, "message": row.as_json(1)}

    def catalog(self, _operator: Operator, _asked: take.Nothing) -> dict[str, Any]:
        """List the realtime providers, and which of them could serve a voice session."""
        configured = self.switches.gateway_provider
        known = dict.fromkeys((*_PROVIDERS, *({configured} - {"none"})))
        realtime = {"ready": configured != "none"} | {
            "providers": [{"id": name, "configured": name == configured} for name in known]
        }
        return {"realtime": realtime}

    def create(self, operator: Operator, asked: take.TalkCreate) -> dict[str, Any]:
        """Open a voice session, if there is a provider that could serve it."""
        key, configured = canonical(asked.session_key), self.switches.gateway_provider
        if (agent := key.split(":")[1]) != "main":
            raise invalid(f'Unknown agent id "{agent}". Run openclaw agents list to see configured agents.')
        provider = asked.provider or ("openai" if configured == "none" else configured)
        if provider not in {*_PROVIDERS, configured}:
            raise unavailable(f'Error: Realtime voice provider "{provider}" is not registered')
        if provider != configured:
            raise unavailable(f'Error: Realtime voice provider "{provider}" is not configured')
        voice_id = asked.voice_session_id or str(uuid4())
        is_plugin = provider == _PLUGIN  # its voice sessions are nobody's, and nothing ends them
        seconds = inf if is_plugin else self.switches.gateway_talk_seconds
        self.memory.open_voice(key, voice_id, provider, None if is_plugin else operator.connection, seconds)
        expires = {} if is_plugin else {"expiresAt": now_ms() + int(seconds * 1000)}
        return {
            "provider": provider,
            "transport": asked.transport or "webrtc",
            "clientSecret": secrets.token_urlsafe(32),
            "offerUrl": "/plugins/openai/realtime/calls",
            "model": asked.model or "gpt-live-1",
            "voiceSessionId": voice_id,
            **expires,
        }

    def transcript(self, _operator: Operator, asked: take.TalkTranscript) -> dict[str, Any]:
        """Add one thing that was said."""
        key = canonical(asked.session_key)
        at = now_ms() if asked.timestamp is None else asked.timestamp
        row = self.memory.add_spoken(key, asked.voice_session_id, asked.entry_id, asked.role, asked.text, at)
        if row:
            self.agent.added(self.memory.conversations[key], row)
        return {"ok": True}

    def close(self, operator: Operator, asked: take.TalkClose) -> dict[str, Any]:
        """Close a voice session."""
        self.memory.close_voice(canonical(asked.session_key), asked.voice_session_id, operator.connection)
        return {"ok": True}

    def sessions(self, _operator: Operator, asked: take.SessionsList) -> dict[str, Any]:
        """List the OpenClaw sessions, the last changed first."""
        known = sorted(self.memory.conversations.values(), key=lambda one: -one.updated_at)
        keys = dict.fromkeys(one.session_key for one in known)
        if self.deliveries.route(OWNERS):
            keys.setdefault(OWNERS)
        rows = [self._row(key) for key in keys if asked.search.lower() in key]
        return {"ts": now_ms(), "sessions": rows[: asked.limit], "totalCount": len(rows)}

    def _row(self, key: str) -> dict[str, Any]:
        row = session_row(self.memory.conversations.get(key), key, busy=self.switches.gateway_busy)
        route = self.deliveries.route(key)
        return row | (route.as_json() if route else {})

    def patch(self, _operator: Operator, asked: take.SessionsPatch) -> dict[str, Any]:
        """Name an OpenClaw session; it is made if need be."""
        key = canonical(asked.key)
        labels = {one.label for name, one in self.memory.conversations.items() if name != key}
        if asked.label in labels - {None}:
            raise invalid(f"label already in use: {asked.label}")
        conversation = self.memory.conversation(key, "operator")
        conversation.label = asked.label or conversation.label
        if self.sessions_json:
            enter(self.sessions_json, conversation)
        entry = {"sessionId": conversation.session_id, "updatedAt": conversation.updated_at}
        return {"ok": True, "key": key, "entry": entry | {"label": conversation.label}}

    def reset(self, _operator: Operator, asked: take.SessionsReset) -> dict[str, Any]:
        """Begin a conversation anew."""
        conversation = self.memory.conversation(canonical(asked.key), "operator")
        self.agent.reset(conversation)
        entry = {"sessionId": conversation.session_id, "updatedAt": conversation.updated_at}
        return {"ok": True, "key": conversation.session_key, "entry": entry}

    def send(self, _operator: Operator, asked: take.ChatSend) -> dict[str, Any]:
        """Let the agent take a turn."""
        conversation = self.memory.conversation(canonical(asked.session_key), "operator")
        self.agent.turn(conversation, asked.idempotency_key, asked.message)
        return {"runId": asked.idempotency_key, "status": "started"}

    def deliver(self, _operator: Operator, asked: take.Send) -> dict[str, Any]:
        """Bring a message to a chat, once; its conversation shows it, and no agent reads it."""
        sent = self.deliveries.known(asked.idempotency_key)
        if sent is None:
            key = canonical(asked.session_key or OWNERS)
            sent = self.deliveries.deliver(asked, key)
            conversation = self.memory.conversation(key, "operator")
            self.agent.add(conversation, "assistant", sent.message, **_MIRROR)
        return {"runId": sent.idempotency_key, "messageId": sent.message_id, "channel": sent.channel}

    def subscribe(self, operator: Operator, _asked: take.Nothing) -> dict[str, Any]:
        """Let somebody hear of every change to the OpenClaw sessions."""
        self.agent.subscribe(operator, None)
        return {"subscribed": True}

    def subscribe_messages(self, operator: Operator, asked: take.MessagesSubscribe) -> dict[str, Any]:
        """Let somebody hear of every row of one OpenClaw session."""
        self.agent.subscribe(operator, canonical(asked.key))
        return {"subscribed": True, "key": canonical(asked.key)}


_METHODS: dict[str, tuple[str | None, type[take.Params], Callable[..., dict[str, Any]]]] = {
    "health": (None, take.Nothing, Methods.health),
    "config.get": ("operator.read", take.Nothing, Methods.config),
    "chat.history": ("operator.read", take.ChatHistory, Methods.history),
    "chat.message.get": ("operator.read", take.ChatMessage, Methods.message),
    "sessions.list": ("operator.read", take.SessionsList, Methods.sessions),
    "sessions.patch": ("operator.write", take.SessionsPatch, Methods.patch),
    "sessions.reset": ("operator.admin", take.SessionsReset, Methods.reset),
    "chat.send": ("operator.write", take.ChatSend, Methods.send),
    "send": ("operator.write", take.Send, Methods.deliver),
    "talk.catalog": ("operator.read", take.Nothing, Methods.catalog),
    "sessions.subscribe": ("operator.read", take.Nothing, Methods.subscribe),
    "sessions.messages.subscribe": ("operator.read", take.MessagesSubscribe, Methods.subscribe_messages),
    "talk.client.create": ("operator.talk", take.TalkCreate, Methods.create),
    "talk.client.transcript": ("operator.talk", take.TalkTranscript, Methods.transcript),
    "talk.client.close": ("operator.talk", take.TalkClose, Methods.close),
}


def _newest(conversation: Conversation, asked: take.ChatHistory) -> dict[str, Any]:
    rows, offset = conversation.shown, asked.offset or 0
    end = max(0, len(rows) - offset)
    begin = max(0, end - asked.limit)
    messages = [row.as_json(seq) for seq, row in enumerate(rows[begin:end], begin + 1)]
    more = {"nextOffset": offset + end - begin} if begin else {}
    return {"messages": messages, "hasMore": bool(begin), "totalMessages": len(rows), **more}


def _around(conversation: Conversation, asked: take.ChatHistory) -> dict[str, Any]:
    rows = conversation.rows
    place = next((place for place, row in enumerate(rows) if row.id == asked.message_id), None)
    if place is None:
        return {"messages": []}
    begin = max(0, place - asked.limit // 2)
    window = rows[begin : begin + asked.limit]
    return {"messages": [row.as_json(seq) for seq, row in enumerate(window, begin + 1)]}
