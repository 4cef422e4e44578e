"""The bearer key in front of a service's own API."""

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import SecretStr

from shared.operation import BEARER, statement
from shared.problems import UnauthorizedError


def middleware(key: SecretStr | None) -> Middleware:
    """Let in only who sends `Authorization: Bearer <key>`; without a key, everybody.

    Routes that state otherwise are open: they prove themselves by signatures, or give nothing away. An
    address where nothing is wants the key, too.

    Args:
        key: the secret; None only where no real account stands behind the service.
    """

    @web.middleware
    async def bearer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if key is not None and _wants_key(request):
            expected = f"Bearer {key.get_secret_value()}".encode()
            given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, expected):
                raise UnauthorizedError
        return await handler(request)

    return bearer


def _wants_key(request: web.Request) -> bool:
    stated = statement(request.match_info.handler)
    return stated is None or stated.security == BEARER


def header(key: SecretStr | None) -> dict[str, str]:
    """Build the header by which one service shows its key to the other."""
    return {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
