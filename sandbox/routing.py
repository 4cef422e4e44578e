"""Where the calls to our number go, as the accounts are set up: to OpenAI, to the service, or nowhere."""

from sandbox import sip
from sandbox.accounts import Number, Trunk
from sandbox.sip import InvalidSipAddressError, SipAddress
from sandbox.world import World


class NowhereError(Exception):
    """The call gets nowhere, as the accounts are set up."""


def way_in(world: World) -> SipAddress | Number:
    """Find where a call to our number goes: to an address of OpenAI's, or to the webhook of the number.

    Raises:
        NowhereError: neither; the message says why.
    """
    accounts, called = world.accounts, world.settings.twilio_phone_number
    if not accounts.is_open:
        raise NowhereError("Twilio's account is not active, or nothing is left on it.")
    number = next((one for one in accounts.numbers if world.filled(one.phone_number) == called), None)
    if number is None:
        raise NowhereError(f"{called} is not a number of Twilio's account.")
    if not number.voice:
        raise NowhereError(f"{called} takes no calls.")
    if number.trunk_sid:
        return _through(world, number.trunk_sid, accounts.trunk(number.trunk_sid))
    if number.voice_application_sid:
        raise NowhereError(f"Twilio asks its application {number.voice_application_sid}, not the service.")
    if not world.is_ours(number.voice_url):
        raise NowhereError(f"Twilio asks {world.filled(number.voice_url) or 'nobody'}, not the service.")
    return number


def _through(world: World, sid: str, trunk: Trunk | None) -> SipAddress:
    if trunk is None:
        raise NowhereError(f"The number is on the trunk {sid}, which is not in Twilio's account.")
    leads = sorted((one for one in trunk.originations if one.enabled), key=lambda one: one.priority)
    if not leads:
        raise NowhereError(f"The trunk {sid} has no origination URL that is enabled.")
    url = world.filled(leads[0].sip_url)
    try:
        address = sip.parse(url)
    except InvalidSipAddressError as error:
        raise NowhereError(f"The trunk {sid} leads to {url}: {error}") from error
    if not address.is_openais(world.settings.openai_project_id):
        raise NowhereError(f"The trunk {sid} leads to {url}, where OpenAI does not answer.")
    return address
