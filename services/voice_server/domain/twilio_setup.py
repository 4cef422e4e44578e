"""How a Twilio account has to be set up for calls to get here, and what is wrong where it is not.

A number that sits on a SIP trunk ignores its webhook: its calls go straight to OpenAI. Otherwise Twilio asks
the webhook, and this server bridges the call to OpenAI. Either way is good.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.voice_server.domain.diagnosis import Finding, bad, first_fault, ok

LOW_BALANCE = 2.0
"""Below so much of the account's currency a phone soon falls silent."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where calls are to go: the SIP address of the OpenAI project, or the addresses of this server."""

    sip_uri: str
    voice_url: str
    status_callback: str

    @classmethod
    def of(cls, project_id: str, sip_host: str, public_url: str) -> "Wanted":
        """Make them from the settings."""
        sip_uri = f"sip:{project_id}@{sip_host};transport=tls"
        return cls(sip_uri, f"{public_url}/voice/incoming", f"{public_url}/webhook")


@dataclass(frozen=True, slots=True)
class Account:
    """The account: its status and type in Twilio's words, and what is left on it, None if not told."""

    status: str
    type: str
    balance: float | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the account, and what happens with its calls; empty where nothing is set."""

    sid: str
    number: str
    has_voice: bool = True
    voice_url: str = ""
    voice_method: str = "POST"
    application_sid: str = ""
    trunk_sid: str = ""
    status_callback: str = ""
    status_callback_method: str = "POST"


@dataclass(frozen=True, slots=True)
class Origination:
    """Where a trunk sends its calls."""

    sid: str
    sip_url: str
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Trunk:
    """A SIP trunk."""

    sid: str
    name: str
    originations: tuple[Origination, ...] = ()


def judge_account(account: Account) -> Finding:
    """Tell whether the account can make and take calls at all."""
    if account.status != "active":
        return bad(
            f"The account is {account.status}.", "Open the Twilio console and see why; Twilio says it there."
        )
    if account.balance is not None and account.balance <= 0:
        return bad(
            f"Nothing is left on the account ({_money(account)}).", "Add funds: Twilio console, Billing."
        )
    remarks = []
    if account.type == "Trial":
        remarks.append("a trial account calls verified numbers only, after a notice of Twilio's: upgrade it")
    if account.balance is not None and account.balance < LOW_BALANCE:
        remarks.append("add funds soon, or switch on auto-recharge: Twilio console, Billing")
    left = "" if account.balance is None else f", {_money(account)} left"
    return ok(f"{account.type or 'Full'} account, active{left}", "; ".join(remarks))


def judge_number(number: Number | None, own_number: str) -> Finding:
    """Tell whether our number is the account's, and can be called."""
    if number is None:
        return bad(
            f"{own_number} is not a number of this account.",
            "Buy it (Twilio console, Phone Numbers), or set TWILIO_PHONE_NUMBER to one that is there.",
        )
    if not number.has_voice:
        return bad(
            f"{own_number} cannot take calls, only messages.",
            "Buy a number with the capability Voice and set TWILIO_PHONE_NUMBER to it.",
        )
    return ok(f"{own_number} is yours and takes calls")


def judge_route(number: Number, trunk: Trunk | None, wanted: Wanted) -> Finding:
    """Tell where the calls to our number go, and whether that is here.

    Args:
        number: ours.
        trunk: the one it sits on; None if it sits on none, or on one that is not in the account.
        wanted: where calls are to go.
    """
    if number.trunk_sid:
        return _judge_trunk(number, trunk, wanted)
    faults = (
        (number.application_sid, f"Calls go to the TwiML application {number.application_sid}, not here."),
        (not number.voice_url, "Nobody is asked what to do with a call."),
        (number.voice_url != wanted.voice_url, f"Calls go to {number.voice_url}, not here."),
        (number.voice_method != "POST", f"The webhook is asked by {number.voice_method}, not by POST."),
    )
    if fault := first_fault(faults):
        step = f"{_CONNECT}, or by hand: the number's A call comes in, Webhook: {wanted.voice_url} (POST)."
        return bad(fault, step)
    if (number.status_callback, number.status_callback_method) == (wanted.status_callback, "POST"):
        return ok(f"webhook: calls come to {wanted.voice_url}, and so does their status")
    remark = (
        f"{_CONNECT}, or set Call status changes to {wanted.status_callback} (POST): hang-ups are then known "
        "at once"
    )
    return ok(f"webhook: calls come to {wanted.voice_url}", remark)


def _judge_trunk(number: Number, trunk: Trunk | None, wanted: Wanted) -> Finding:
    if trunk is None:
        return bad(
            f"The number sits on the trunk {number.trunk_sid}, which is not in this account.",
            "Take it off that trunk (Twilio console, the number's Voice Configuration), then `make connect`.",
        )
    ours = [one for one in trunk.originations if one.sip_url == wanted.sip_uri]
    insecure = [one for one in trunk.originations if one not in ours and _same_project(one.sip_url, wanted)]
    others = [one for one in trunk.originations if one not in ours and one.is_enabled]
    faults = (
        (not trunk.originations, "leads nowhere: it has no Origination URI."),
        (not ours and insecure, f"leads to {_urls(insecure)}, which is not over TLS."),
        (not ours, f"leads elsewhere: {_urls(trunk.originations)}."),
        (not any(one.is_enabled for one in ours), "has its Origination URI disabled."),
        (others, f"leads here, but some calls go to {_urls(others)}."),
    )
    if fault := first_fault(faults):
        return bad(
            f"The trunk {trunk.name} {fault}",
            f"{_CONNECT}, or by hand: Elastic SIP Trunking, {trunk.name}, Origination: the only URI is "
            f"{wanted.sip_uri}, enabled. (Termination is for calls out of your own SIP: leave it empty.)",
        )
    ignored = f" (its webhook {number.voice_url} is ignored)" if number.voice_url else ""
    return ok(f"SIP trunk {trunk.name}: calls go straight to OpenAI{ignored}")


_CONNECT = "`make connect`"


def _urls(originations: Iterable[Origination]) -> str:
    return ", ".join(one.sip_url for one in originations)


def judge_region(region: str, is_allowed: bool | None) -> str | None:
    """Say what keeps Twilio from calling a region; None if nothing does."""
    if is_allowed is None:
        return f"{region} is no country that Twilio knows"
    return None if is_allowed else f"{region} is switched off"


def _same_project(sip_url: str, wanted: Wanted) -> bool:
    return sip_url.partition(";")[0] == wanted.sip_uri.partition(";")[0]


def _money(account: Account) -> str:
    return f"{account.balance:.2f} {account.currency}"
