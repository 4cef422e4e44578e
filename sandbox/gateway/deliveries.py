"""The chats of the owner's channels: who is written to there, and what the gateway has delivered."""

from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from sandbox.gateway.errors import invalid, unavailable
from sandbox.gateway.params import Send
from sandbox.switches import Switches

OWNERS = "agent:main:main"
CHANNEL = "telegram"
"""The one channel that is configured."""

_INTERNAL_ONLY = (
    "unsupported channel: webchat (internal-only). Use `chat.send` for WebChat UI messages or choose a "
    "deliverable channel."
)


@dataclass(frozen=True)
class Route:
    """Where a conversation's person was last heard from."""

    channel: str
    to: str
    account_id: str = "default"
    thread_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Write it as the rows of `sessions.list` do."""
        known = {"channel": self.channel, "to": self.to, "accountId": self.account_id}
        context = known | ({"threadId": self.thread_id} if self.thread_id else {})
        last = {f"last{name[0].upper()}{name[1:]}": value for name, value in context.items()}
        return {"deliveryContext": context, **last}


_OWNERS_ROUTE = Route(CHANNEL, "telegram:4242")


@dataclass(frozen=True)
class Sent:
    """One message that was delivered to a chat; `message` is what was handed in."""

    channel: str
    to: str
    message: str
    message_id: str
    session_key: str
    idempotency_key: str
    thread_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Show it."""
        return asdict(self)


class Deliveries:
    """Deliver messages, each once.

    Attributes:
        sent: what was delivered, in order.
        routes: by session key, where a person was last heard from; the owner's by the switch `gateway_route`.
    """

    def __init__(self, switches: Switches) -> None:
        self.sent: list[Sent] = []
        self.routes: dict[str, Route] = {}
        self._switches = switches
        self._ids = count(101)

    def route(self, session_key: str) -> Route | None:
        """Tell where the person of a conversation was last heard from."""
        is_owners = session_key == OWNERS and self._switches.gateway_route != "none"
        return self.routes.get(session_key) or (_OWNERS_ROUTE if is_owners else None)

    def known(self, idempotency_key: str) -> Sent | None:
        """Find what was delivered under a key."""
        return next((sent for sent in self.sent if sent.idempotency_key == idempotency_key), None)

    def deliver(self, asked: Send, session_key: str) -> Sent:
        """Deliver a message.

        Raises:
            WireError: there is nothing to deliver, or no way.
        """
        if not (asked.message or "").strip():
            raise invalid("invalid send params: text or media is required")
        channel = (asked.channel or CHANNEL).lower()
        if channel == "webchat":
            raise invalid(_INTERNAL_ONLY)
        if channel != CHANNEL:
            raise invalid(f"unsupported channel: {asked.channel}")
        sent = Sent(
            channel,
            asked.to,
            asked.message or "",
            str(next(self._ids)),
            session_key,
            asked.idempotency_key,
            asked.thread_id,
        )
        self.sent.append(sent)
        if self._switches.gateway_route == "cut":
            # It is queued, and arrives by itself as soon as it can.
            raise unavailable("OutboundDeliveryError: Network request for 'sendMessage' failed!")
        return sent
