"""Orders for calls: what is ordered twice under one `Idempotency-Key` is placed once.

A key leads to the call's own record, which is on disk before Twilio is asked. So whatever comes between, a
crash or an answer of Twilio's that says nothing clear, the record tells what is known of the call.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from weakref import WeakValueDictionary

import orjson

from services.voice_server.adapters.store import Claim, Store
from services.voice_server.adapters.twilio_errors import (
    ImpossibleCallError,
    TwilioError,
    TwilioUncertainError,
)
from services.voice_server.domain.policy import DestinationRefusedError, PhoneOffError, TooManyCallsError
from services.voice_server.switchboard import CallGivenUpError, StoppingError, Switchboard

KEPT_SECONDS = 24 * 3600

_NOT_PLACED = (
    PhoneOffError,
    DestinationRefusedError,
    TooManyCallsError,
    StoppingError,
    CallGivenUpError,
    ImpossibleCallError,
    TwilioError,
)


class KeyReusedError(Exception):
    """This Idempotency-Key was sent with another body within a day; send a new key with each new call."""


class StillPlacedError(Exception):
    """The call ordered under this Idempotency-Key is still being placed; ask again."""

    retry_after_seconds = 5


@dataclass(frozen=True, slots=True)
class Order:
    """Who is to be called, and why."""

    to: str
    message: str | None
    caller_id: str | None
    metadata: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """A fingerprint: the same for orders that mean the same, however they were written."""
        return hashlib.sha256(orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)).hexdigest()


class Orders:
    """Take orders for calls and have them carried out."""

    def __init__(self, store: Store, switchboard: Switchboard) -> None:
        self._store = store
        self._switchboard = switchboard
        self._in_hand: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def place(self, order: Order, key: str | None) -> str:
        """Have a call placed and return its id; under a key it was ordered with before, that call's id.

        A key whose order was refused, so that nothing was placed, is free again.

        Raises:
            KeyReusedError, StillPlacedError: see there.
            TwilioUncertainError: Twilio perhaps placed it. Under the same key it is never tried again.
            Exception: whatever else `Switchboard.place` raises.
        """
        ref = secrets.token_urlsafe(16)
        if key is None:
            return await self._carry_out(order, ref)
        alone = self._in_hand.setdefault(key, asyncio.Lock())
        async with alone:
            wanted = Claim(order.digest, ref)
            claim = await self._store.claim(key, wanted, time.time(), KEPT_SECONDS)
            if claim.digest != wanted.digest:
                raise KeyReusedError
            if call_id := await self._placed(claim.ref):
                return call_id
            try:
                return await self._carry_out(order, claim.ref)
            except TwilioUncertainError:
                raise
            except _NOT_PLACED:
                await self._store.disclaim(key)
                raise

    async def _carry_out(self, order: Order, ref: str) -> str:
        return await self._switchboard.place(
            order.to, order.message, order.caller_id, order.metadata, ref=ref
        )

    async def _placed(self, ref: str) -> str | None:
        """Find what has become of an order; None if it was never begun."""
        runner = self._switchboard.find(ref)
        call = runner.record if runner else await self._store.call_of(ref)
        if call is None:
            return None
        if call.call_id:
            return call.call_id
        raise StillPlacedError if runner and call.ended_at is None else TwilioUncertainError
