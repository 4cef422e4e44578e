"""The accounts the sandbox plays, Twilio's and OpenAI's, as data that anybody may change at any time.

Everything is as it should be unless somebody says otherwise, so a change names only what is wrong. A word in
braces stands for what the settings say, or for where the service is: `{public_url}/webhook`.
"""

import secrets
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, with_config

OUR_TRUNK = "TK" + "5a0db0c5" * 4
"""The trunk that is there at first."""

OFFER = "realtime.call.incoming"

_OUR_TOKEN, _OUR_SECRET = "{auth_token}", "{webhook_secret}"

Method = Literal["GET", "POST"]
Rights = Literal["main", "standard", "restricted", "none"]

_known = with_config(ConfigDict(extra="forbid"))


def new_sid(kind: str) -> str:
    """Make a SID: two letters and 32 hexadecimal digits."""
    return kind + secrets.token_hex(16)


def new_secret() -> str:
    """Make a secret that signs webhooks: `whsec_` and base64."""
    return f"whsec_{secrets.token_hex(16)}"


@_known
@dataclass
class Number:
    """A number of Twilio's account, and what happens with its calls: trunk before application before URL."""

    phone_number: str = "{phone_number}"
    voice: bool = True
    trunk_sid: str | None = OUR_TRUNK
    voice_application_sid: str | None = None
    voice_url: str = "{public_url}/voice/incoming"
    voice_method: Method = "POST"
    status_callback: str = "{public_url}/webhook"
    status_callback_method: Method = "POST"
    friendly_name: str = "OpenClaw phone"
    sid: str = field(default_factory=lambda: new_sid("PN"))


@_known
@dataclass
class Origination:
    """Where a trunk sends the calls that come in; the lowest priority is asked first."""

    sip_url: str = "sip:{project_id}@sip.api.openai.com;transport=tls"
    enabled: bool = True
    priority: Annotated[int, Field(ge=0, le=65535)] = 10
    weight: Annotated[int, Field(ge=1, le=65535)] = 10
    friendly_name: str = "openai"
    sid: str = field(default_factory=lambda: new_sid("OU"))


@_known
@dataclass
class Trunk:
    """A SIP trunk; `domain_name` is its termination, for calls out of somebody's own SIP."""

    originations: list[Origination] = field(default_factory=lambda: [Origination()])
    domain_name: str | None = None
    friendly_name: str = "OpenAI"
    sid: str = OUR_TRUNK


@_known
@dataclass
class Endpoint:
    """Where OpenAI tells of what happens in a project; whether it is enabled is not told over the API."""

    url: str = "{public_url}/webhook"
    event_types: list[str] = field(default_factory=lambda: [OFFER])
    enabled: bool = True
    secret: Annotated[str, Field(pattern=r"^(whsec_.+|\{webhook_secret\})$")] = _OUR_SECRET
    project: str = "{project_id}"
    name: str = "voice server"
    id: str = field(default_factory=lambda: f"we_{secrets.token_hex(16)}")


@_known
@dataclass
class Accounts:
    """Twilio's account and OpenAI's project.

    Attributes:
        account_status: Twilio's; any but `active` can neither call nor be called.
        account_type: Twilio's; `Trial` calls `verified_numbers` only.
        verified_numbers: whom a trial account may call.
        balance: what is left on Twilio's account; without anything there are no calls.
        currency: of the balance.
        auth_token: of Twilio's account: for REST, and to sign what Twilio posts.
        api_key_rights: what Twilio's API key may do: all; all but look at the account; calls only; nothing.
        numbers: Twilio's.
        trunks: Twilio's.
        countries_off: ISO regions that Twilio's geo permissions forbid to call.
        openai_api_key: the key that OpenAI knows.
        key_project: the project it is of. Calls go to `{project_id}`: a key of another does not get at them.
        models_off: models that the project may not use.
        webhook_endpoints: OpenAI's.
    """

    account_status: Literal["active", "suspended", "closed"] = "active"
    account_type: Literal["Full", "Trial"] = "Full"
    verified_numbers: list[str] = field(default_factory=list)
    balance: float = 20.0
    currency: str = "USD"
    auth_token: str = _OUR_TOKEN
    api_key_rights: Rights = "standard"
    numbers: list[Number] = field(default_factory=lambda: [Number()])
    trunks: list[Trunk] = field(default_factory=lambda: [Trunk()])
    countries_off: list[str] = field(default_factory=list)
    openai_api_key: str = "{openai_api_key}"
    key_project: str = "{project_id}"
    models_off: list[str] = field(default_factory=list)
    webhook_endpoints: list[Endpoint] = field(default_factory=lambda: [Endpoint()])

    @property
    def is_open(self) -> bool:
        """Tell whether Twilio lets the account call and be called."""
        return self.account_status == "active" and self.balance > 0

    def trunk(self, sid: str | None) -> Trunk | None:
        """Find a trunk; None if the account has no such."""
        return next((trunk for trunk in self.trunks if trunk.sid == sid), None)
