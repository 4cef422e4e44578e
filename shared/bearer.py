"""The bearer key in front of a service's own API."""

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import SecretStr

from shared.problems import UnauthorizedError


def middleware(key: SecretStr | None, open_paths: frozenset[str]) -> Middleware:
    """Let in only who sends `Authorization: Bearer <key>`; without a key, everybody.

    Args:
        key: the secret; None only where no real account stands behind the service.
        open_paths: the paths that prove themselves otherwise (signatures) or give nothing away (health).
    """

    @web.middleware
    async def bearer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if key is not None and request.path not in open_paths:
            expected = f"Bearer {key.get_secret_value()}".encode()
            given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, expected):
                raise UnauthorizedError
        return await handler(request)

    return bearer


def header(key: SecretStr | None) -> dict[str, str]:
    """Build the header by which one service shows its key to the other."""
    return {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
