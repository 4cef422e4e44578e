"""The Twilio account over REST: what is there, and where the calls to a number go; and changing that."""

from collections.abc import Awaitable
from typing import Any, TypeVar

import aiohttp
from twilio.base.exceptions import TwilioException
from twilio.rest.api.v2010.account.incoming_phone_number import IncomingPhoneNumberInstance
from twilio.rest.trunking.v1.trunk import TrunkInstance

from services.voice_server.adapters.twilio_errors import REFUSED
from services.voice_server.adapters.twilio_http import Credentials, client
from services.voice_server.domain.twilio_setup import Account, Number, Origination, Trunk

T = TypeVar("T")

TIMEOUT_SECONDS = 10
_NAME = "OpenClaw phone"


class TwilioAccountError(Exception):
    """Twilio did not tell, or do, what it was asked."""


class TwilioRightsError(TwilioAccountError):
    """Twilio does not know these credentials, or they may not do this."""


class TwilioAccount:
    """Look at an account, and change where the calls to its numbers go.

    Every method raises `TwilioRightsError` if the credentials do not suffice, and `TwilioAccountError` if
    Twilio cannot be reached, refuses, or answers something else.

    Args:
        http: the client to use.
        credentials: of the account; the API keys of an account may not look at the account itself.
        base_url: Twilio's, or a stand-in's.
        timeout_seconds: how long one request may take.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        credentials: Credentials,
        base_url: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        is_object = lambda answer: isinstance(answer, dict)  # noqa: E731 - too small for a name of its own
        self._client = client(http, credentials, base_url, timeout_seconds, is_object)
        self._sid = credentials.account_sid

    async def account(self) -> Account:
        """Look at the account and its balance."""
        found = await _asked(self._client.api.v2010.accounts(self._sid).fetch_async())
        balance = currency = None
        try:
            told = await _asked(self._client.balance.fetch_async())
            balance, currency = float(told.balance or 0), told.currency
        except (TwilioAccountError, ValueError):
            pass  # accounts that are billed otherwise have none
        return Account(str(found.status), str(found.type), balance, currency or "USD")

    async def number(self, number: str) -> Number | None:
        """Look for a number of the account; None if it has no such number."""
        found = await _asked(self._client.incoming_phone_numbers.list_async(phone_number=number, limit=5))
        return next((_number(one) for one in found if one.phone_number == number), None)

    async def trunks(self) -> list[Trunk]:
        """List the SIP trunks."""
        found = await _asked(self._client.trunking.v1.trunks.list_async())
        return [await self._with_originations(one) for one in found]

    async def may_call(self, region: str) -> bool | None:
        """Tell whether ordinary numbers of an ISO region may be called; None if Twilio knows no such one."""
        try:
            country = await self._client.voice.v1.dialing_permissions.countries(region).fetch_async()
        except REFUSED as error:
            if error.status == 404:
                return None
            raise _failure(error) from error
        except TwilioException as error:
            raise _failure(error) from error
        return bool(country.low_risk_numbers_enabled)

    async def point(self, number: Number) -> None:
        """Let the calls to a number go where it says; its trunk is another matter."""
        await _asked(
            self._client.incoming_phone_numbers(number.sid).update_async(
                voice_url=number.voice_url,
                voice_method=number.voice_method,
                voice_application_sid=number.application_sid,
                status_callback=number.status_callback,
                status_callback_method=number.status_callback_method,
            )
        )

    async def create_trunk(self) -> Trunk:
        """Make a SIP trunk that leads nowhere yet."""
        made = await _asked(self._client.trunking.v1.trunks.create_async(friendly_name=_NAME))
        return Trunk(str(made.sid), str(made.friendly_name))

    async def delete_trunk(self, trunk_sid: str) -> None:
        """Delete a SIP trunk, with where it leads."""
        await _asked(self._client.trunking.v1.trunks(trunk_sid).delete_async())

    async def lead(self, trunk_sid: str, sip_uri: str) -> Origination:
        """Let a trunk lead to a SIP address, too."""
        urls = self._client.trunking.v1.trunks(trunk_sid).origination_urls
        made = await _asked(
            urls.create_async(friendly_name=_NAME, sip_url=sip_uri, priority=10, weight=10, enabled=True)
        )
        return Origination(str(made.sid), str(made.sip_url))

    async def enable(self, trunk_sid: str, origination_sid: str, *, enabled: bool) -> None:
        """Switch one of the addresses that a trunk leads to on or off."""
        urls = self._client.trunking.v1.trunks(trunk_sid).origination_urls(origination_sid)
        await _asked(urls.update_async(enabled=enabled))

    async def assign(self, trunk_sid: str, number_sid: str) -> None:
        """Put a number on a trunk."""
        numbers = self._client.trunking.v1.trunks(trunk_sid).phone_numbers
        await _asked(numbers.create_async(phone_number_sid=number_sid))

    async def release(self, trunk_sid: str, number_sid: str) -> None:
        """Take a number off a trunk; it stays in the account."""
        await _asked(self._client.trunking.v1.trunks(trunk_sid).phone_numbers(number_sid).delete_async())

    async def _with_originations(self, trunk: TrunkInstance) -> Trunk:
        urls = await _asked(self._client.trunking.v1.trunks(str(trunk.sid)).origination_urls.list_async())
        originations = tuple(Origination(str(one.sid), str(one.sip_url), bool(one.enabled)) for one in urls)
        return Trunk(str(trunk.sid), str(trunk.friendly_name or trunk.sid), originations)


def _number(found: IncomingPhoneNumberInstance) -> Number:
    capabilities: Any = found.capabilities  # said to be a text
    return Number(
        sid=str(found.sid),
        number=str(found.phone_number),
        has_voice=bool(isinstance(capabilities, dict) and capabilities.get("voice")),
        voice_url=found.voice_url or "",
        voice_method=found.voice_method or "POST",
        application_sid=found.voice_application_sid or "",
        trunk_sid=found.trunk_sid or "",
        status_callback=found.status_callback or "",
        status_callback_method=found.status_callback_method or "POST",
    )


async def _asked(request: Awaitable[T]) -> T:
    try:
        return await request
    except TwilioException as error:
        raise _failure(error) from error


def _failure(error: TwilioException) -> TwilioAccountError:
    if not isinstance(error, REFUSED):
        return TwilioAccountError("Twilio does not answer")
    if error.status in {401, 403}:
        return TwilioRightsError("Twilio refuses these credentials")
    return TwilioAccountError(f"Twilio answers {error.status}, its error {error.code}")
