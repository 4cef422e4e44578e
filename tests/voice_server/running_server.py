"""A voice server on a real socket, seen from outside."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import ClientResponse, ClientSession, web
from yarl import URL

from sandbox.app import Sandbox
from sandbox.signing import twilio_signature, webhook_signature
from services.voice_server import keys
from tests.voice_server import twiml_judge

Json = dict[str, Any]

OWNER = "+14155550123"
GUEST = "+14155550199"
STRANGER = "+14155550177"
OWN_NUMBER = "+14155550100"
KEY = "the-voice-key"


class RunningServer:
    """What a person, OpenAI or Twilio can do to a voice server."""

    def __init__(self, url: str, runner: web.AppRunner, http: ClientSession, sandbox: Sandbox) -> None:
        assert runner.app
        self.url = url
        self.app = runner.app
        self.runner = runner
        self.http = http
        self.sandbox = sandbox

    @property
    def store(self) -> Any:
        """Its memory."""
        return self.app[keys.STORE]

    async def crash(self) -> None:
        """Stop without ending or telling anything, as a SIGKILL does; its sockets close."""
        assert self.runner.server
        for site in list(self.runner.sites):
            await site.stop()
        await self.runner.server.shutdown(0.01)
        switchboard = self.app[keys.SWITCHBOARD]
        switchboard._stopping = True
        await switchboard._tasks.cancel()

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = KEY
    ) -> tuple[int, Json]:
        """Use its API; the status and the answer."""
        async with self.raw(method, path, None if body is None else orjson.dumps(body), key=key) as response:
            return response.status, await response.json(content_type=None)

    def raw(
        self, method: str, path: str, data: bytes | None = None, *, key: str | None = KEY, **more: str
    ) -> Any:
        """Use its API; the answer itself. Keywords become headers: `Idempotency_Key="1"`."""
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        if data is not None:
            headers["Content-Type"] = "application/json"
        url = URL(self.url + path, encoded=True)
        return self.http.request(method, url, data=data, headers=headers)

    async def dial(self, to: str, **more: Any) -> str:
        """Have somebody called; the call's id."""
        status, answer = await self.ask("POST", "/call", {"to": to, **more})
        assert status == 202, answer
        return str(answer["call_id"])

    async def history(self, query: str = "") -> list[Json]:
        """List the calls there were."""
        status, answer = await self.ask("GET", f"/history{query}")
        assert status == 200, answer
        listed: list[Json] = answer["calls"]
        return listed

    async def call_over(self, call_id: str) -> Json:
        """Wait until the server has done with a call, and show it."""
        if runner := self.app[keys.SWITCHBOARD].find(call_id):
            async with asyncio.timeout(8):
                await runner.ended.wait()
        _, call = await self.ask("GET", f"/history/{call_id}")
        return call

    async def offer(self, call_id: str, *headers: tuple[str, str], delivery: str = "wh_1") -> int:
        """Deliver OpenAI's webhook for a call that rings; the status."""
        listed = [{"name": name, "value": value} for name, value in headers]
        data = {"call_id": call_id, "sip_headers": listed}
        event = {"object": "event", "id": "evt_1", "type": "realtime.call.incoming", "data": data}
        return await self.webhook(orjson.dumps(event), delivery=delivery)

    async def webhook(self, body: bytes, *, delivery: str = "wh_1") -> int:
        """Deliver a webhook of OpenAI's, signed; the status."""
        now = int(time.time())
        secret = self.sandbox.world.settings.openai_webhook_secret
        headers = {
            "webhook-id": delivery,
            "webhook-timestamp": str(now),
            "webhook-signature": webhook_signature(secret, delivery, now, body),
        }
        async with self.http.post(f"{self.url}/webhook", data=body, headers=headers) as response:
            return response.status

    def twilio(self, path: str, **form: str) -> Any:
        """Post a form as Twilio does, signed for our account."""
        settings = self.sandbox.world.settings
        form = {"AccountSid": settings.twilio_account_sid, **form}
        signature = twilio_signature(settings.twilio_auth_token, self.url + path, form.items())
        url = URL(self.url + path, encoded=True)
        return self.http.post(url, data=form, headers={"X-Twilio-Signature": signature})

    async def status_callback(self, path: str, **form: str) -> int:
        """Tell what became of a leg; the status."""
        async with self.twilio(path, **form) as response:
            return int(response.status)

    async def twiml(self, path: str, **form: str) -> str:
        """Ask for TwiML; what comes must be what Twilio understands, without a redirect."""
        async with self.twilio(path, **form) as response:
            document = str(await response.text())
        assert (response.status, response.content_type, response.history) == (200, "text/xml", ()), document
        twiml_judge.check(document)
        return document


Start = Callable[..., Awaitable[RunningServer]]
"""Starts a voice server; keywords change its settings."""


async def problem(response: ClientResponse) -> tuple[int, str]:
    """Read an RFC 9457 answer: status and detail."""
    assert response.content_type == "application/problem+json", await response.text()
    document = await response.json(content_type=None)
    assert document["status"] == response.status
    assert document["title"]
    return response.status, document["detail"]
