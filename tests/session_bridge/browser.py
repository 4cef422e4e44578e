"""A browser before a bridge: it shows no key, and cookies when it is told to."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp.test_utils import TestClient
from multidict import CIMultiDictProxy

from services.session_bridge.domain.sign_in import issue
from tests.session_bridge.bridge import Bridge

NO_CALL = {"callId": "CA9"}
WRONG = {"Authorization": "Bearer wrong"}

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """An answer."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its JSON."""
        return orjson.loads(self.body)


class Browser:
    """Asks a bridge without the key, and shows the cookies that it is told to show."""

    def __init__(self, bridge: Bridge) -> None:
        self._client: TestClient[Any, Any] = bridge.client

    async def ask(self, method: str, path: str, headers: Headers | None = None, **more: Any) -> Seen:
        """Ask; the answer. Its cookies are not kept."""
        given = {"Authorization": "", **(headers or {})}
        async with self._client.request(method, path, headers=given, **more) as answer:
            self._client.session.cookie_jar.clear()
            return Seen(answer.status, answer.headers, await answer.read())

    async def status(self, method: str, path: str, headers: Headers | None = None) -> int:
        """Ask, with a body where one is wanted; the status."""
        body = {"json": NO_CALL} if method == "POST" else {}
        return (await self.ask(method, path, headers, **body)).status

    async def sign_in(self, key: object = "secret", headers: Headers | None = None) -> Seen:
        """Show a key."""
        return await self.ask("POST", "/sign-in", headers, json={"key": key})

    async def told(self, headers: Headers | None = None) -> tuple[bool, bool]:
        """Ask whether one has to sign in, and has."""
        answer = (await self.ask("GET", "/sign-in", headers)).json
        return answer["required"], answer["signed_in"]


def cookie(value: str | None = None, **headers: str) -> dict[str, str]:
    """Show a cookie, one that holds unless it is given."""
    value = issue("secret", time.time()) if value is None else value
    return {"Cookie": f"openclaw_phone={value}", **{k.replace("_", "-"): v for k, v in headers.items()}}
