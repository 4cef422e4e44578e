"""OpenAI's webhook for a call that rings: signed, and repeated until somebody takes it, at every endpoint."""

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import ClientError, ClientTimeout
from pydantic import SecretStr
from yarl import URL

from sandbox.accounts import OFFER, Endpoint
from sandbox.openai.call import RealtimeCall
from sandbox.scripts import SCRIPTS
from sandbox.signing import webhook_signature
from sandbox.sip import Invite
from sandbox.world import World

_LIVE: dict[str, dict[str, Any]] = {"live.transport.incoming": {"type": "sip"}, "live.call.incoming": {}}
"""How the Live API announces a call, with what is special about each; the second is for old subscriptions."""


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver a webhook; `status` is the answer's, None if there was none in time."""

    webhook_id: str
    timestamp: int
    signature: str
    body: bytes
    status: int | None


class Webhooks:
    """Deliver `realtime.call.incoming`; every attempt is kept in `deliveries`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.deliveries: list[Delivery] = []

    async def announce(self, call: RealtimeCall) -> None:
        """Tell the service that a call rings: at least once, with the same `webhook-id` each time.

        How often, and what else, is the call's trouble.
        """
        await asyncio.gather(*(self._announce(call, endpoint) for endpoint in self._told()))

    async def sample(self, endpoint: Endpoint, kind: str) -> int | None:
        """Tell an endpoint of something that has not happened; the status of its answer, if there was one."""
        headers = Invite(SCRIPTS["talk"], "+14155550123", "sip:sample@sip.api.openai.com").as_headers()
        data = {"call_id": "rtc_sample", "sip_headers": headers}
        if not self._reaches(endpoint):
            return None
        return await self._deliver(endpoint, f"wh_{secrets.token_hex(16)}", _event(kind, data))

    def _reaches(self, endpoint: Endpoint) -> bool:
        return endpoint.enabled and self._world.is_ours(endpoint.url)

    def _told(self) -> list[Endpoint]:
        """List the endpoints at the service that the project tells of calls."""
        ours = self._world.settings.openai_project_id
        return [
            one
            for one in self._world.accounts.webhook_endpoints
            if OFFER in one.event_types and self._world.filled(one.project) == ours and self._reaches(one)
        ]

    async def _announce(self, call: RealtimeCall, endpoint: Endpoint) -> None:
        headers = call.invite.as_headers()
        data = {"call_id": call.call_id, "sip_media_security": "srtp", "sip_headers": headers}
        ids = {number: f"wh_{secrets.token_hex(16)}" for number in call.trouble.webhook_ids}
        deliveries = [
            self._repeat(endpoint, ids[number], _event(OFFER, data)) for number in call.trouble.webhook_ids
        ]
        if call.trouble.also_live:
            live = data | {"session_id": f"live_{secrets.token_hex(16)}"}
            del live["call_id"]
            deliveries += [
                self._repeat(endpoint, f"wh_{secrets.token_hex(16)}", _event(kind, live | special))
                for kind, special in _LIVE.items()
            ]
        await asyncio.gather(*deliveries)

    async def _repeat(self, endpoint: Endpoint, webhook_id: str, body: bytes) -> None:
        for attempt in range(1 + self._world.switches.webhook_retries):
            if attempt:
                await self._world.clock.pause(self._world.switches.webhook_backoff**attempt)
            status = await self._deliver(endpoint, webhook_id, body)
            if status is not None and 200 <= status < 300:
                return

    async def _deliver(self, endpoint: Endpoint, webhook_id: str, body: bytes) -> int | None:
        timestamp = int(time.time())
        secret = SecretStr(self._world.filled(endpoint.secret))
        signature = webhook_signature(secret, webhook_id, timestamp, body)
        status: int | None = None
        try:
            async with self._world.http.post(
                URL(self._world.filled(endpoint.url), encoded=True),
                data=body,
                headers={
                    "User-Agent": "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)",
                    "Content-Type": "application/json",
                    "webhook-id": webhook_id,
                    "webhook-timestamp": str(timestamp),
                    "webhook-signature": signature,
                },
                timeout=ClientTimeout(total=self._world.switches.webhook_seconds),
                allow_redirects=False,
            ) as response:
                status = response.status
        except (ClientError, TimeoutError):
            pass
        self.deliveries.append(Delivery(webhook_id, timestamp, signature, body, status))
        self._world.watch.changed()
        return status


def _event(kind: str, data: dict[str, Any]) -> bytes:
    return orjson.dumps(
        {
            "object": "event",
            "id": f"evt_{secrets.token_hex(16)}",
            "type": kind,
            "created_at": int(time.time()),
            "data": data,
        }
    )
