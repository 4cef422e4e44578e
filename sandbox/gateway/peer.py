"""The gateway as a whole: one agent, asked over HTTP and written to over the WebSocket."""

from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web

from sandbox.gateway.agent import Agent, canonical
from sandbox.gateway.chat import Asked, ChatEndpoint
from sandbox.gateway.deliveries import Deliveries, Route, Sent
from sandbox.gateway.line import Line
from sandbox.gateway.memory import Memory, Role, Row
from sandbox.gateway.methods import Methods
from sandbox.gateway.releases import WAYS
from sandbox.reception import Received
from sandbox.world import World


class Gateway:
    """Answer for the agent; every question is kept in `asked`, and what it remembers in `memory`."""

    def __init__(self, world: World) -> None:
        self.memory = Memory()
        self._world = world
        self._agent = Agent(world)
        self._chat = ChatEndpoint(world, self.memory, self._agent)
        self._deliveries = Deliveries(world.switches)
        self._methods = Methods(self.memory, world.switches, self._agent, self._deliveries)

    @property
    def asked(self) -> list[Asked]:
        """Every question, in order of arrival."""
        return self._chat.asked

    @property
    def keeps_conversations(self) -> bool:
        """Tell whether OpenClaw keeps its conversations in the gateway, and not in files as the older do."""
        ways = WAYS.get(self._world.switches.gateway_release)
        return ways is not None and "talk.client.transcript" in ways.methods

    @property
    def sent(self) -> list[Sent]:
        """Every message delivered to a chat, in order."""
        return self._deliveries.sent

    @property
    def sessions_json(self) -> Path | None:
        """Where an older release enters the sessions it is asked to name, beside remembering them."""
        return self._methods.sessions_json

    @sessions_json.setter
    def sessions_json(self, file: Path) -> None:
        self._methods.sessions_json = file

    @property
    def received(self) -> list[Received]:
        """Every request over HTTP, in order of arrival."""
        return self._chat.received

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the chat endpoint, and the WebSocket at the root."""
        self._chat.add_routes(router)
        router.add_get("/", self._serve)

    def rows(self, session_key: str) -> list[Row]:
        """Give what the agent remembers of a conversation, since the last reset and without its mark."""
        conversation = self.memory.conversations.get(canonical(session_key))
        return [row for row in conversation.shown if not row.is_reset] if conversation else []

    def as_json(self) -> list[dict[str, Any]]:
        """Show what the agent remembers, conversation by conversation."""
        return [
            {
                "session_key": key,
                "session_id": conversation.session_id,
                "rows": [row.as_json(seq) for seq, row in enumerate(conversation.shown, 1)],
            }
            for key, conversation in self.memory.conversations.items()
        ]

    def heard_from(self, session_key: str, route: Route) -> None:
        """Let the person of a conversation have written in a chat."""
        self.memory.conversation(canonical(session_key), "channel")
        self._deliveries.routes[canonical(session_key)] = route

    def add(self, session_key: str, role: Role, text: str) -> None:
        """Add a row to a conversation as if it had been typed."""
        self._agent.add(self.memory.conversation(canonical(session_key), "operator"), role, text)

    def start_run(self, session_key: str) -> str:
        """Let the agent be in mid-turn; give the id to end it by."""
        run_id = str(uuid4())
        self._agent.start_run(self.memory.conversation(canonical(session_key), "operator"), run_id)
        return run_id

    def end_run(self, session_key: str, run_id: str) -> None:
        """Let the agent be done with a turn."""
        self._agent.end_run(self.memory.conversations[canonical(session_key)], run_id)

    def reset(self, session_key: str, *, kept: int = 0) -> None:
        """Let a conversation begin anew: by a typed `/new`, or with the last 6 rows `kept`, by its age."""
        conversation = self.memory.conversation(canonical(session_key), "operator")
        self._agent.reset(conversation, kept=kept)

    def cut_lines(self) -> None:
        """Cut every WebSocket, as a broken network does; the voice sessions opened on them end."""
        for line in self._agent.lines:
            line.abort()

    def kill(self) -> None:
        """Be killed and started again: every WebSocket is cut, and open voice sessions stay open."""
        self.memory.restart()
        self.cut_lines()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        switches = self._world.switches
        ways = WAYS.get(switches.gateway_release)
        if switches.gateway_trouble == "down" and request.transport:
            request.transport.abort()
        if ways is None or request.headers.get("Upgrade", "").lower() != "websocket":
            raise web.HTTPNotFound
        line = Line(request, switches, ways)
        self._agent.lines.add(line)
        try:
            token = self._world.settings.openclaw_gateway_token.get_secret_value()
            return await line.serve(token, self._methods.answer)
        finally:
            self._agent.lines.discard(line)
            if line.operator:
                self.memory.left(line.operator.connection)
            self._world.watch.changed()
