"""Callers: their calls end one after the other, and every event is posted until it has arrived."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from ulid import ULID

RETRY_SECONDS = 0.01
REST_SECONDS = 0.6


@dataclass
class Caller:
    """One person on the phone.

    Attributes:
        number: who it is.
        said: what was said in each of their calls, in the order these ended; added before it is posted.
    """

    number: str
    rng: random.Random
    said: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    async def talk(self, http: aiohttp.ClientSession, url: str, stop: asyncio.Event) -> None:
        """Call again and again, until told to stop; the last call is brought to its end."""
        while not stop.is_set():
            for event in self.call():
                while not await _posted(http, url, event):  # noqa: ASYNC110 - what is awaited is another process
                    await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(self.rng.uniform(0, REST_SECONDS))

    def call(self) -> Iterator[dict[str, Any]]:
        """Make the events of the next call."""
        call_id = f"CA{self.number[-4:]}n{len(self.said)}"
        speakers = self.rng.choices(("user", "assistant"), k=self.rng.randint(1, 6))
        said = [(speaker, f"{call_id} turn {turn}") for turn, speaker in enumerate(speakers)]
        self.said[call_id] = said
        turns = [
            ("transcript_update", {"speaker": speaker, "content": text, "itemId": f"item_{place}"})
            for place, (speaker, text) in enumerate(said)
        ]
        ended = {
            "status": "completed",
            "endReason": "caller_hung_up",
            "durationSeconds": 8,
            "usage": {},
            "costUsd": None,
        }
        started = {"from": self.number, "to": "+14155550199"}
        kinds = [("call_started", started), *turns, ("call_ended", ended)]
        for sequence, (kind, data) in enumerate(kinds, 1):
            yield {
                "eventId": str(ULID()),
                "callId": call_id,
                "sequence": sequence,
                "eventType": kind,
                "phoneNumber": self.number,
                "direction": "inbound",
                "timestamp": datetime.now(UTC).isoformat(),
                "data": data,
            }


async def _posted(http: aiohttp.ClientSession, url: str, event: dict[str, Any]) -> bool:
    try:
        async with http.post(f"{url}/call-event", json=event) as answer:
            if 400 <= answer.status < 500:
                raise RuntimeError(f"The bridge refuses an event: {await answer.text()}")
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
