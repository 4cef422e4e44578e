"""The gateway as a whole: one agent, asked over HTTP and written to over the WebSocket."""

from typing import Any
from uuid import uuid4

from aiohttp import web

from sandbox.gateway.chat import Asked, ChatEndpoint
from sandbox.gateway.handshake import Guest
from sandbox.gateway.line import Line
from sandbox.gateway.memory import Conversation, Memory, Row, now_ms
from sandbox.gateway.methods import Methods, canonical, session_row
from sandbox.gateway.releases import WAYS
from sandbox.reception import Received
from sandbox.world import World


class Gateway:
    """Answer for the agent; every question is kept in `asked`, and what it remembers in `memory`."""

    def __init__(self, world: World) -> None:
        self.memory = Memory()
        self._world = world
        self._chat = ChatEndpoint(world)
        self._lines: set[Line] = set()
        self._methods = Methods(self.memory, world.switches, self._tell_row, self._subscribe)

    @property
    def asked(self) -> list[Asked]:
        """Every question, in order of arrival."""
        return self._chat.asked

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

    def start_run(self, session_key: str) -> str:
        """Let the agent be in mid-turn; give the id to end it by."""
        conversation = self.memory.conversation(canonical(session_key), "operator")
        run_id = str(uuid4())
        conversation.runs.append(run_id)
        self._tell_run(conversation, run_id, "start")
        return run_id

    def end_run(self, session_key: str, run_id: str) -> None:
        """Let the agent be done with a turn."""
        conversation = self.memory.conversations[canonical(session_key)]
        conversation.runs.remove(run_id)
        self._tell_run(conversation, run_id, "end")

    def reset(self, session_key: str, *, new_session: bool = False) -> None:
        """Let a conversation begin anew: by a typed `/new`, or (as after a daily reset) in a new session."""
        conversation = self.memory.conversation(canonical(session_key), "operator")
        conversation.begin_anew(new_session=new_session)
        self._tell_change(conversation, {"reason": "reset"})

    def cut_lines(self) -> None:
        """Cut every WebSocket, as a gateway that is killed does."""
        for line in self._lines:
            line.abort()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        switches = self._world.switches
        ways = WAYS.get(switches.gateway_release)
        if switches.gateway_trouble == "down" and request.transport:
            request.transport.abort()
        if ways is None or request.headers.get("Upgrade", "").lower() != "websocket":
            raise web.HTTPNotFound
        line = Line(request, switches, ways)
        self._lines.add(line)
        try:
            token = self._world.settings.openclaw_gateway_token.get_secret_value()
            return await line.serve(token, self._methods, self._world.watch.changed)
        finally:
            self._lines.discard(line)
            if line.guest:
                self.memory.left(line.guest.connection)
            self._world.watch.changed()

    def _subscribe(self, guest: Guest, session_key: str | None) -> None:
        for line in self._lines:
            if line.guest == guest and session_key is None:
                line.follows_all = True
            elif line.guest == guest and session_key:
                line.followed.add(session_key)

    def _tell_row(self, conversation: Conversation, row: Row) -> None:
        payload = {"sessionKey": conversation.session_key, "message": row.as_json(len(conversation.shown))}
        for line in self._lines:
            if conversation.session_key in line.followed:
                self._tell(line, "session.message", payload)
        self._world.watch.changed()

    def _tell_run(self, conversation: Conversation, run_id: str, phase: str) -> None:
        named = {"runId": run_id, "sessionKey": conversation.session_key, "agentId": "main"}
        for line in self._lines:
            if line.guest and line.guest.may("operator.read"):
                self._tell(line, "agent", named | {"stream": "lifecycle", "data": {"phase": phase}})
        self._tell_change(conversation, {"phase": phase, "runId": run_id})

    def _tell_change(self, conversation: Conversation, change: dict[str, str]) -> None:
        session = session_row(conversation, conversation.session_key, busy=False)
        named = {"sessionKey": conversation.session_key, "agentId": "main", "ts": now_ms()}
        for line in self._lines:
            if line.follows_all:
                self._tell(line, "sessions.changed", named | change | {"session": session})

    def _tell(self, line: Line, event: str, payload: dict[str, Any]) -> None:
        self._world.tasks.start(line.tell(event, payload), name="gateway event")
