"""The chat through which a person last wrote to the agent, Telegram or another: the gateway's `send`.

What is sent is sent as it is, without the agent being asked anything, and stands in the conversation as well.
The gateway sends nothing twice under one key, as long as it is not restarted.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from services.session_bridge.adapters.openclaw.rpc import OpenClawRpc
from services.session_bridge.adapters.openclaw.socket import GatewayRefusedError

log = structlog.get_logger()

_QUEUED = "OutboundDeliveryError"
"""What could not be delivered at once, 2026.7.35 and later try again by themselves."""

_ADDRESS = ("channel", "to", "accountId", "threadId")


class Chat:
    """Send messages to people."""

    def __init__(self, rpc: OpenClawRpc) -> None:
        self._rpc = rpc

    async def send(self, session_key: str, message: str, key: str) -> bool:
        """Send a message to whoever a conversation is with; False if they have never written through a chat.

        Args:
            session_key: the conversation.
            message: markdown; the chat's own way of writing is made of it.
            key: the same for the same message, however often it is sent.

        Raises:
            CannotWriteYetError: no gateway is connected, or it did not answer.
            GatewayRefusedError: it refused.
        """
        listed = await self._rpc.call("sessions.list", search=session_key)
        rows = [row for row in listed.get("sessions") or () if row.get("key") == session_key]
        address = _address(rows[0]) if rows else {}
        if not address:
            return False
        try:
            await self._rpc.call(
                "send", **address, message=message, sessionKey=session_key, idempotencyKey=key
            )
        except GatewayRefusedError as error:
            if not str(error).startswith(_QUEUED):
                raise
            log.info("chat_unreachable", fault=str(error), remedy="the gateway sends it when it is back")
        return True


def _address(row: Mapping[str, Any]) -> dict[str, Any]:
    """Read where a conversation's messages go; empty where nobody could be reached."""
    context = row.get("deliveryContext") or {}
    address = {name: context[name] for name in _ADDRESS if context.get(name)}
    return address if {"channel", "to"} <= address.keys() else {}
