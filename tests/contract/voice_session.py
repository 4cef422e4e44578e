"""What tests say to a gateway about voice sessions, and how they ask to be refused."""

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import uuid4

import pytest

from tests.contract.gateway_client import Connection, RefusedError

READER = ("operator.read", "operator.talk")


class Open(Protocol):
    """Open a connection to the gateway under test, by default with its own token."""

    def __call__(
        self,
        *scopes: str,
        token: str | None = ...,
        protocols: tuple[int, int] = ...,
        client: dict[str, str] = ...,
    ) -> AbstractAsyncContextManager[Connection]: ...


def new_key() -> str:
    return f"agent:main:direct:{uuid4().hex[:10]}"


def new_voice() -> str:
    return f"CA{uuid4().hex}"


class VoiceSession:
    """A voice session of its own, in an OpenClaw session of its own, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.names = {"sessionKey": new_key(), "voiceSessionId": new_voice()}

    async def create(self, **more: Any) -> dict[str, Any]:
        live = {"provider": "openai", "model": "gpt-live-1", "transport": "webrtc"}
        return await self.connection.call("talk.client.create", **self.names, **(live | more))

    async def add(self, entry: str, role: str, text: str, **more: Any) -> dict[str, Any]:
        said = {"entryId": entry, "role": role, "text": text}
        return await self.connection.call("talk.client.transcript", **self.names, **said, **more)

    async def close(self) -> dict[str, Any]:
        return await self.connection.call("talk.client.close", **self.names)

    async def rows(self, **more: Any) -> list[dict[str, Any]]:
        history = await self.connection.call("chat.history", sessionKey=self.names["sessionKey"], **more)
        return list(history["messages"])

    async def texts(self) -> list[tuple[str, str]]:
        return [(row["role"], row["content"][0]["text"]) for row in await self.rows()]

    def row_id(self, entry: str) -> str:
        return f"voice:{self.names['voiceSessionId']}:{entry}"

    async def has(self, entry: str) -> bool:
        key = self.names["sessionKey"]
        answer = await self.connection.call("chat.message.get", sessionKey=key, messageId=self.row_id(entry))
        return bool(answer["ok"])


async def refusal(answer: Awaitable[object]) -> tuple[str, str]:
    with pytest.raises(RefusedError) as caught:
        await answer
    return caught.value.code, caught.value.message
