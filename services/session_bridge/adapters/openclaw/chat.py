"""The chat through which a person last wrote to the agent, Telegram or another: the gateway's `send`.

What is sent is sent as it is, without the agent being asked anything, and stands in the conversation as well.
The gateway sends nothing twice under one key, but forgets keys after 5 minutes and when it is restarted.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.session_bridge.adapters.openclaw.rpc import OpenClawRpc
from services.session_bridge.adapters.openclaw.socket import GatewayRefusedError
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError

log = structlog.get_logger()

_QUEUED = "OutboundDeliveryError"
"""What could not be delivered at once, 2026.7.35 and later try again by themselves."""

_NOT_CHATS = frozenset({"webchat", "last", "heartbeat", "cron", "webhook", "voice", "sessions_send"})
"""What OpenClaw calls channels too, though nobody can be written to there."""


class _Address(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    channel: str | None = None
    to: str | None = None
    account_id: str | None = Field(None, alias="accountId")
    thread_id: str | None = Field(None, alias="threadId")

    def params(self) -> dict[str, str]:
        """Write it as `send` takes it; empty where nobody could be reached."""
        if not self.channel or not self.to or self.channel.strip().lower() in _NOT_CHATS:
            return {}
        named: dict[str, str] = self.model_dump(by_alias=True)
        return {name: value for name, value in named.items() if value}


class _Row(BaseModel):
    key: str
    address: _Address | None = Field(None, alias="deliveryContext")


class _Listed(BaseModel):
    sessions: list[_Row]


class Chat:
    """Send messages to people."""

    def __init__(self, rpc: OpenClawRpc) -> None:
        self._rpc = rpc

    async def looked_for(self) -> None:
        """Wait until it has once been seen whether a gateway is there."""
        await self._rpc.tried()

    async def send(self, session_key: str, message: str, key: str) -> bool:
        """Send a message to whoever a conversation is with; False if they have never written through a chat.

        Args:
            session_key: the conversation.
            message: markdown; the chat's own way of writing is made of it.
            key: the same for the same message, however often it is sent.

        Raises:
            CannotWriteYetError: no gateway is connected, or it did not answer, or not in words we know.
            GatewayRefusedError: it refused.
        """
        address = _address(await self._rpc.call("sessions.list", search=session_key), session_key)
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


def _address(listed: Mapping[str, Any], session_key: str) -> dict[str, str]:
    """Read where a conversation's messages go."""
    try:
        rows = _Listed.model_validate(listed).sessions
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise CannotWriteYetError(
            f"OpenClaw's gateway lists its sessions in a way not known here ({where}): install a release of "
            "OpenClaw that README.md names, or a newer version of this software."
        ) from error
    return next((row.address.params() for row in rows if row.key == session_key and row.address), {})
