"""The door of a service's own API: the bearer key, and how often anybody may ask."""

import hmac
import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import SecretStr

from shared.operation import BEARER, statement
from shared.problems import TooManyRequestsError, UnauthorizedError
from shared.rate import Rate

_REQUESTS_PER_GUESS = 100
"""A key may be wrong a hundred times less often than anybody may ask."""

_KNOWN_ADDRESSES = 1000


def middleware(
    key: SecretStr | None, requests_per_minute: int, unlimited: frozenset[str] = frozenset()
) -> Middleware:
    """Let in only who sends `Authorization: Bearer <key>`, and not too often; without a key, everybody.

    Routes that state otherwise are open, and never limited: they prove themselves by signatures, or give
    nothing away. An address where nothing is wants the key, too. A stream counts once, when it is opened.

    Args:
        key: the secret; None only where no real account stands behind the service.
        requests_per_minute: how often one client's address may ask, and all who have the key together.
        unlimited: paths where the other service may deliver as often as it has to.
    """
    return Door(key, requests_per_minute).middleware(unlimited)


class Door:
    """Decides who comes in. Addresses are those of the connections: what a proxy adds, anybody can write."""

    def __init__(self, key: SecretStr | None, requests_per_minute: int) -> None:
        self._expected = f"Bearer {key.get_secret_value()}".encode() if key else None
        self._asked = Rate(requests_per_minute)
        self._guessed = Rate(max(1, requests_per_minute // _REQUESTS_PER_GUESS))
        self._known: set[str] = set()

    def middleware(self, unlimited: frozenset[str] = frozenset()) -> Middleware:
        """Put the door before the routes; see `bearer.middleware`."""

        @web.middleware
        async def bearer(request: web.Request, handler: Handler) -> web.StreamResponse:
            if _wants_key(request):
                self.admit(request)
                if request.path not in unlimited:
                    self._count(request)
            return await handler(request)

        return bearer

    def admit(self, request: web.Request) -> None:
        """Let in who shows the key, or everybody where there is none; raises why not."""
        if self._expected is None:
            return
        given = request.headers.get("Authorization", "")
        if not given or not self.weigh(request, given, self._expected):
            raise UnauthorizedError

    def weigh(self, request: web.Request, given: str, right: bytes) -> bool:
        """Compare what is shown with what is right; to be wrong is a guess, of which each address has few.

        Raises:
            TooManyRequestsError: there were too many guesses from there.
        """
        address, now = _address(request), time.monotonic()
        wait = self._guessed.wait_seconds(address, now)
        # Not even compared: the right guess would be told from the others. But who has shown the key from
        # there is not to be shut out by others who come through the same proxy.
        if wait and address not in self._known:
            raise TooManyRequestsError(wait)
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right):
            if wait:
                raise TooManyRequestsError(wait)
            self._guessed.count(address, now)
            return False
        if len(self._known) >= _KNOWN_ADDRESSES:
            self._known.clear()
        self._known.add(address)
        return True

    def _count(self, request: web.Request) -> None:
        now = time.monotonic()
        for name in (_address(request), "with the key"):
            if wait := self._asked.wait_seconds(name, now):
                raise TooManyRequestsError(wait)
            self._asked.count(name, now)


def _address(request: web.Request) -> str:
    return f"from {request.remote}"


def _wants_key(request: web.Request) -> bool:
    stated = statement(request.match_info.handler)
    return stated is None or stated.security == BEARER


def header(key: SecretStr | None) -> dict[str, str]:
    """Build the header by which one service shows its key to the other."""
    return {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
