"""The bridge's door: programs show the key, browsers a sign-in, and other sites' pages change nothing.

A browser sends its cookie along whoever wrote the page that asks. So what is let in by that, or without any
key, has to come from the bridge's own page; a key that is shown can come from nobody else.
"""

import time

from aiohttp import web
from pydantic import SecretStr

from services.session_bridge.domain.sign_in import expected, is_from_own_page, issue, may_be_asked_as
from shared.bearer import Door
from shared.openapi import SIGN_IN_COOKIE
from shared.problems import UnauthorizedError

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSiteError(Exception):
    """A page of another site may change nothing here: use the bridge's own page, or send the bearer key."""


class StrangeHostError(Exception):
    """As no BRIDGE_API_KEY is set: ask by IP address, by localhost, or by the host of BRIDGE_URL."""


class BrowserDoor(Door):
    """Lets in who shows the key, and browsers that have signed in with it; without a key, everybody near."""

    def __init__(self, key: SecretStr | None, requests_per_minute: int, own_url: str) -> None:
        super().__init__(key, requests_per_minute)
        self._key = key.get_secret_value() if key else None
        self._own_url = own_url

    @property
    def wants_key(self) -> bool:
        """Whether anybody has to sign in."""
        return self._key is not None

    def admit(self, request: web.Request) -> None:
        """Let a request in, or raise why not."""
        # A proxy with a password of its own has the browser send `Basic …`, beside our cookie.
        if self.wants_key and request.headers.get("Authorization", "").startswith("Bearer "):
            super().admit(request)
            return
        if self.wants_key and not self.is_signed_in(request):
            raise UnauthorizedError
        if not self.wants_key and not may_be_asked_as(request.headers.get("Host"), self._own_url):
            raise StrangeHostError
        self.refuse_other_sites(request)

    def refuse_other_sites(self, request: web.Request) -> None:
        """Raise `CrossSiteError` if a page of another site wants to change something."""
        if request.method in _SAFE:
            return
        told = (request.headers.get(name) for name in ("Sec-Fetch-Site", "Origin", "Host"))
        if not is_from_own_page(*told):
            raise CrossSiteError

    def is_signed_in(self, request: web.Request) -> bool:
        """Tell whether a browser shows a sign-in that holds; a forged one is a guess of the key."""
        value, now = request.cookies.get(SIGN_IN_COOKIE), time.time()
        right = expected(self._key, value, now) if self._key is not None and value else None
        return value is not None and right is not None and self.weigh(request, value, right.encode())

    def sign_in(self, request: web.Request, key: str) -> str | None:
        """Give a browser that knows the key its sign-in; None where none is needed.

        Raises:
            UnauthorizedError, TooManyRequestsError: that is not the key, or was not for too often.
        """
        if self._key is None:
            return None
        if not self.weigh(request, key, self._key.encode()):
            raise UnauthorizedError("That is not the key; it is BRIDGE_API_KEY in the bridge's settings.")
        return issue(self._key, time.time())
