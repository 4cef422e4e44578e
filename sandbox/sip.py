"""SIP as far as it can be seen from outside: addresses, and the INVITE that reaches OpenAI."""

import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import unquote

from sandbox.steps import Script

_URI = re.compile(
    r"sip:(?P<user>[^@;?]+)@(?P<host>[^:;?]+)(?::\d+)?(?P<parameters>(?:;[^;?]+)*)(?:\?(?P<query>.*))?"
)

_OPENAI_HOSTS = {"sip.api.openai.com", "sip-eu.api.openai.com"}

_MAX_URI = 255
_MAX_HEADERS = 1024


class InvalidSipAddressError(ValueError):
    """The SIP address cannot be dialled; `code` is Twilio's error code."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class SipAddress:
    """A SIP URI taken apart, with the headers it asks for."""

    user: str
    host: str
    transport: str
    headers: tuple[tuple[str, str], ...]

    @property
    def uri(self) -> str:
        """The address without its headers."""
        return f"sip:{self.user}@{self.host};transport={self.transport}"

    def is_openais(self, project_id: str) -> bool:
        """Tell whether OpenAI answers there: it listens for TLS only, and knows its projects."""
        return self.host in _OPENAI_HOSTS and self.transport == "tls" and self.user == project_id


def parse(text: str) -> SipAddress:
    """Take a `<Sip>` address apart, under Twilio's limits.

    Raises:
        InvalidSipAddressError: it is no SIP URI, is too long, or asks for headers that may not be set.
    """
    found = _URI.fullmatch(text.strip())
    if not found:
        raise InvalidSipAddressError(13224, f"{text!r} is not a SIP URI.")
    address, _, query = text.strip().partition("?")
    if len(address) >= _MAX_URI:
        raise InvalidSipAddressError(13224, "The SIP URI is longer than 255 characters.")
    if len(query) >= _MAX_HEADERS:
        raise InvalidSipAddressError(21227, "The SIP headers are longer than 1024 characters.")
    parameters = dict(part.partition("=")[::2] for part in found["parameters"].split(";") if part)
    headers = tuple(_header(part) for part in query.split("&") if part)
    return SipAddress(unquote(found["user"]), found["host"], parameters.get("transport", "udp"), headers)


def _header(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    if not re.fullmatch(r"[Xx]-[A-Za-z0-9-]+|User-to-User", name) or name.lower().startswith("x-twilio"):
        raise InvalidSipAddressError(13252, f"The SIP header {name!r} may not be set.")
    return name, unquote(value)


@dataclass(frozen=True)
class Invite:
    """A call that reaches OpenAI.

    Attributes:
        script: what will be said on it.
        sender: the E.164 number it comes from, or `anonymous`.
        recipient: the SIP address it goes to.
        headers: further headers, in order.
    """

    script: Script
    sender: str
    recipient: str
    headers: tuple[tuple[str, str], ...] = ()
    dialog: str = field(default_factory=lambda: secrets.token_hex(8))

    def as_headers(self) -> list[dict[str, str]]:
        """List the headers as `realtime.call.incoming` shows them."""
        if self.sender.startswith("+"):
            origin = f'"{self.sender}" <sip:{self.sender}@pstn.twilio.com>'
        else:
            origin = '"Anonymous" <sip:anonymous@anonymous.invalid>'
        fixed = (
            ("From", f"{origin};tag={self.dialog[:8]}_c3356d0b"),
            ("To", f"<{self.recipient}>"),
            ("Call-ID", f"{self.dialog}@0.0.0.0"),
            ("CSeq", "1 INVITE"),
            ("Max-Forwards", "63"),
            ("Content-Type", "application/sdp"),
        )
        return [{"name": name, "value": value} for name, value in (*fixed, *self.headers)]
