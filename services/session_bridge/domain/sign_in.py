"""What a signed-in browser shows, and what tells a request of our own page from one of another site.

A sign-in is `v1.<expires>.<proof>`: the proof is an HMAC with the bridge's key over what stands before it. So
nothing is kept here, a restart ends no sign-in, and another key ends them all.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit

SIGN_IN_SECONDS = 30 * 24 * 3600

_VALUE = re.compile(r"(v1\.([0-9]{1,12}))\.([A-Za-z0-9_-]{43})")
_LOOPBACK = "localhost"


def issue(key: str, now: float) -> str:
    """Make the value that proves a sign-in for `SIGN_IN_SECONDS`."""
    claim = f"v1.{int(now) + SIGN_IN_SECONDS}"
    return f"{claim}.{_proof(key, claim)}"


def expected(key: str, value: str, now: float) -> str | None:
    """Say what a value would have to be with this key; None if it has expired, or is of another form."""
    found = _VALUE.fullmatch(value)
    if found is None or int(found[2]) <= now:
        return None
    return f"{found[1]}.{_proof(key, found[1])}"


def is_from_own_page(fetch_site: str | None, origin: str | None, host: str | None) -> bool:
    """Tell whether a request comes from our own page, or from no page at all.

    By `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/), which no page can write; a browser that sends
    none, as to an http address other than loopback, sends an `Origin` with what changes anything.
    """
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    if origin is None:
        return True
    return host is not None and origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}


def may_be_asked_as(host: str | None, own_url: str) -> bool:
    """Tell whether a `Host` is an address, this machine itself, or the name under which we are known.

    Any other name may be of a page whose owner made it point here (DNS rebinding), and the browser would then
    let that page read and do everything.
    """
    if host is None:
        return True
    name = _name_of(f"//{host}")
    if name is None:
        return False
    return (
        name == _LOOPBACK or name.endswith(f".{_LOOPBACK}") or name == _name_of(own_url) or _is_address(name)
    )


def _proof(key: str, claim: str) -> str:
    return urlsafe_b64encode(hmac.digest(key.encode(), claim.encode(), sha256)).decode().rstrip("=")


def _name_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
