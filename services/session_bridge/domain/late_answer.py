"""A late answer: what the agent answered to a question after the call in which it was asked had ended."""

import json
from dataclasses import dataclass

from services.session_bridge.domain.session import Session, State
from shared.characters import whole
from shared.events import KeptEvent, ToolFinished

ASK_OPENCLAW = "ask_openclaw"


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """An answer that nobody has heard.

    `event_id` is that of its `tool_finished`; `came_at` is in seconds since 1970; `session_key` is None while
    undecided; `arguments` are the tool call's, as the model wrote them.
    """

    event_id: str
    call_id: str
    session_key: str | None
    arguments: str
    answer: str
    came_at: float

    @property
    def message(self) -> str:
        """Write it as a chat message: what was asked, and the agent's own words."""
        try:
            request = json.loads(self.arguments)["request"]
        except (ValueError, KeyError, TypeError, RecursionError):
            request = self.arguments
        return whole(f"You asked on the phone: {request}\n\n{self.answer}")


def is_late(event: KeptEvent, session: Session) -> bool:
    """Tell whether an event, taken into a session, is an answer that came after the call."""
    ended = session.state is not State.ACTIVE
    return ended and isinstance(event, ToolFinished) and event.data.name == ASK_OPENCLAW
