"""Twilio's side: the account, the number, where its calls go, and whom it may call."""

from services.voice_server.adapters.twilio_account import TwilioAccountError, TwilioRightsError
from services.voice_server.doctor.case import Case
from services.voice_server.domain.diagnosis import Finding, bad, ok, unknown
from services.voice_server.domain.twilio_setup import judge_account, judge_number, judge_route

_CONSOLE = "Twilio console, Account Info"
_PERMISSIONS = "Twilio console, Voice, Settings, Geo permissions"
_AGAIN = "See whether this machine reaches the internet, then try again."


async def account(case: Case) -> Finding:
    """Look whether the auth token, by which webhooks are verified, is the account's, and the account well."""
    try:
        return judge_account(await case.account.account())
    except TwilioRightsError:
        return bad(
            "Twilio refuses TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN.",
            f"Copy both anew ({_CONSOLE}): the primary auth token of this very account, not an API key's.",
        )
    except TwilioAccountError as error:
        return unknown(f"{error}.", _AGAIN)


async def number(case: Case) -> Finding:
    """Look whether our number is the account's; as the voice server would, maybe with an API key."""
    try:
        case.number = await case.rest.number(case.config.twilio_phone_number)
    except TwilioRightsError:
        return bad(
            "Twilio refuses TWILIO_API_KEY_SID with its secret.",
            f"Make a standard API key ({_CONSOLE}, API keys) and set both, or neither.",
        )
    except TwilioAccountError as error:
        return unknown(f"{error}.", _AGAIN)
    return judge_number(case.number, case.config.twilio_phone_number)


async def route(case: Case) -> Finding:
    """Look where the calls to our number go."""
    assert case.number is not None  # noqa: S101 - `number` is well
    trunk = None
    try:
        if case.number.trunk_sid:
            trunks = await case.rest.trunks()
            trunk = next((one for one in trunks if one.sid == case.number.trunk_sid), None)
    except TwilioAccountError as error:
        return unknown(f"{error}.", _AGAIN)
    return judge_route(case.number, trunk, case.wanted)


async def regions(case: Case) -> Finding:
    """Look whether Twilio lets us call where the settings do."""
    regions = sorted(case.config.regions)
    try:
        allowed = {region: await case.rest.may_call(region) for region in regions}
    except TwilioAccountError as error:
        return unknown(f"{error}.", f"Look by hand: {_PERMISSIONS}.")
    closed = [region for region, may in allowed.items() if not may]
    if closed:
        return bad(
            f"Twilio's geo permissions do not let you call {', '.join(closed)}.",
            f"Allow it ({_PERMISSIONS}), or take it out of OUTBOUND_REGIONS.",
        )
    return ok(f"calls to {', '.join(regions)} are allowed")
