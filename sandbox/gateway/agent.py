"""The agent behind the gateway: it takes turns, begins anew, and whoever listens is told."""

from typing import Any
from uuid import uuid4

from sandbox.gateway.answers import answer_to
from sandbox.gateway.handshake import Operator
from sandbox.gateway.line import Line
from sandbox.gateway.memory import Conversation, Role, Row, now_ms
from sandbox.world import World


def canonical(session_key: str) -> str:
    """Spell a session key in full."""
    key = session_key.strip().lower()
    return key if key.startswith("agent:") else f"agent:main:{key}"


def session_row(conversation: Conversation | None, key: str, *, busy: bool) -> dict[str, Any]:
    """Describe an OpenClaw session as lists and events do."""
    active = busy or bool(conversation and conversation.runs)
    row: dict[str, Any] = {"key": key, "kind": "direct", "agentId": "main", "hasActiveRun": active}
    if active:
        row["status"] = "running"
    if conversation is None:
        return row | {"updatedAt": None, "activeRunIds": []}
    named = {"label": conversation.label, "displayName": conversation.label} if conversation.label else {}
    return row | named | {
        "sessionId": conversation.session_id,
        "createdVia": conversation.created_via,
        "updatedAt": conversation.updated_at,
        "activeRunIds": list(conversation.runs),
    }  # fmt: skip


class Agent:
    """Take turns in the conversations of a memory, and tell the lines.

    Attributes:
        lines: the open connections.
    """

    def __init__(self, world: World) -> None:
        self.lines: set[Line] = set()
        self._world = world

    def turn(self, conversation: Conversation, run_id: str, message: str) -> None:
        """Begin to answer a message; the answer comes in a while."""
        self._world.tasks.start(self._take_turn(conversation, run_id, message), name="agent's turn")

    def start_run(self, conversation: Conversation, run_id: str) -> None:
        """Be in mid-turn."""
        conversation.runs.append(run_id)
        self._tell_lifecycle(conversation, run_id, "start")
        self._tell_change(conversation, {"phase": "start", "runId": run_id})

    def end_run(self, conversation: Conversation, run_id: str) -> None:
        """Be done with a turn: that it ended is told before the conversation is idle."""
        self._tell_lifecycle(conversation, run_id, "end")
        if run_id in conversation.runs:  # a gateway that was killed meanwhile knows nothing of it
            conversation.runs.remove(run_id)
        self._tell_change(conversation, {"reason": "agent.input.settled"})
        self._tell_change(conversation, {"phase": "end", "runId": run_id})

    def reset(self, conversation: Conversation, *, kept: int = 0) -> None:
        """Begin a conversation anew, but for the last rows."""
        conversation.begin_anew(kept=kept)
        self._tell_change(conversation, {"reason": "reset"})

    def add(self, conversation: Conversation, role: Role, text: str, **more: str) -> None:
        """Add a row to a conversation as if it had been typed, or answered to that."""
        typed = {"content": text} if role == "user" else {"stopReason": "stop"}
        row = Row(str(uuid4()), role, text, now_ms(), typed | more)
        conversation.add(row)
        self.added(conversation, row)

    def added(self, conversation: Conversation, row: Row) -> None:
        """Tell whoever follows a conversation of a new row."""
        payload = {"sessionKey": conversation.session_key, "message": row.as_json(len(conversation.shown))}
        for line in self.lines:
            if conversation.session_key in line.followed:
                line.tell("session.message", payload)
        self._world.watch.changed()

    def remember(self, conversation: Conversation, question: str, answer: str) -> None:
        """Add what was asked and answered; an answer without a word is no row."""
        self.add(conversation, "user", question)
        if answer:
            self.add(conversation, "assistant", answer)

    def subscribe(self, operator: Operator, session_key: str | None) -> None:
        """Let an operator hear of every OpenClaw session, or of the rows of one."""
        for line in self.lines:
            if line.operator == operator and session_key is None:
                line.follows_all = True
            elif line.operator == operator and session_key:
                line.followed.add(session_key)

    async def _take_turn(self, conversation: Conversation, run_id: str, message: str) -> None:
        self.start_run(conversation, run_id)
        self.add(conversation, "user", message)
        answer = answer_to(message)
        await self._world.clock.pause(answer.takes(self._world.switches))
        self.add(conversation, "assistant", answer.text)
        self.end_run(conversation, run_id)

    def _tell_lifecycle(self, conversation: Conversation, run_id: str, phase: str) -> None:
        named = {"runId": run_id, "sessionKey": conversation.session_key, "agentId": "main"}
        for line in self.lines:
            if line.operator and line.operator.may("operator.read"):
                line.tell("agent", named | {"stream": "lifecycle", "data": {"phase": phase}})
        self._world.watch.changed()

    def _tell_change(self, conversation: Conversation, change: dict[str, str]) -> None:
        session = session_row(conversation, conversation.session_key, busy=False)
        payload = {
            "sessionKey": conversation.session_key,
            "agentId": "main",
            "ts": now_ms(),
            "hasActiveRun": session["hasActiveRun"],
            "session": session,
            **change,
        }
        for line in self.lines:
            if line.follows_all:
                line.tell("sessions.changed", payload)
