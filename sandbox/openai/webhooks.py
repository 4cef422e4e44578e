"""OpenAI's webhook for a call that rings: signed, and repeated until somebody takes it."""

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import ClientError, ClientTimeout
from yarl import URL

from sandbox.openai.call import RealtimeCall
from sandbox.signing import webhook_signature
from sandbox.world import World

_INCOMING = "realtime.call.incoming"
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
        headers = call.invite.as_headers()
        data = {"call_id": call.call_id, "sip_media_security": "srtp", "sip_headers": headers}
        ids = {number: f"wh_{secrets.token_hex(16)}" for number in call.trouble.webhook_ids}
        deliveries = [
            self._repeat(ids[number], _event(_INCOMING, data)) for number in call.trouble.webhook_ids
        ]
        if call.trouble.also_live:
            live = data | {"session_id": f"live_{secrets.token_hex(16)}"}
            del live["call_id"]
            deliveries += [
                self._repeat(f"wh_{secrets.token_hex(16)}", _event(kind, live | special))
                for kind, special in _LIVE.items()
            ]
        await asyncio.gather(*deliveries)

    async def _repeat(self, webhook_id: str, body: bytes) -> None:
        for attempt in range(1 + self._world.switches.webhook_retries):
            if attempt:
                await self._world.clock.pause(self._world.switches.webhook_backoff**attempt)
            if await self._deliver(webhook_id, body):
                return

    async def _deliver(self, webhook_id: str, body: bytes) -> bool:
        timestamp = int(time.time())
        signature = webhook_signature(self._world.settings.openai_webhook_secret, webhook_id, timestamp, body)
        status: int | None = None
        try:
            async with self._world.http.post(
                URL(f"{self._world.public_url}/webhook", encoded=True),
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
        return status is not None and 200 <= status < 300


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
