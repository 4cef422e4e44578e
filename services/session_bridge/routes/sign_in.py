"""`/sign-in`: a browser shows the key once, and from then on a cookie that no script can read."""

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.session_bridge.domain.sign_in import SIGN_IN_SECONDS
from services.session_bridge.keys import DOOR
from shared.openapi import SIGN_IN_COOKIE
from shared.operation import OPEN, operation
from shared.problems import json_response


class Credentials(BaseModel):
    """What a browser signs in with: the bridge's key."""

    model_config = ConfigDict(extra="forbid")

    key: SecretStr = Field(max_length=1000)


class SignIn(BaseModel):
    """Whether a browser has to sign in, and has."""

    required: bool
    signed_in: bool


@operation({204: None}, problems=(401, 403, 429), security=OPEN, sends=("Set-Cookie",))
async def sign_in(request: web.Request, body: Credentials) -> web.Response:
    """Sign a browser in for 30 days.

    The cookie is as good as the key, but only from the bridge's own page. Where no key is set, none is given.
    """
    request.app[DOOR].refuse_other_sites(request)
    value = request.app[DOOR].sign_in(request, body.key.get_secret_value())
    response = web.Response(status=204)
    if value is not None:
        response.set_cookie(
            SIGN_IN_COOKIE,
            value,
            max_age=SIGN_IN_SECONDS,
            path="/",
            secure=_is_https(request),
            httponly=True,
            samesite="Strict",
        )
    return response


@operation({200: SignIn}, problems=(429,), security=OPEN, sends=("Set-Cookie",))
async def show_sign_in(request: web.Request) -> web.Response:
    """Tell whether this browser has to sign in, and has; a sign-in that no longer holds is ended."""
    door = request.app[DOOR]
    told = SignIn(required=door.wants_key, signed_in=door.is_signed_in(request))
    response = json_response(told, headers={"Cache-Control": "no-store"})
    if SIGN_IN_COOKIE in request.cookies and not told.signed_in:
        _end(request, response)
    return response


@operation({204: None}, problems=(403,), security=OPEN, sends=("Set-Cookie",))
async def sign_out(request: web.Request) -> web.Response:
    """End this browser's sign-in."""
    request.app[DOOR].refuse_other_sites(request)
    response = web.Response(status=204)
    _end(request, response)
    return response


def _end(request: web.Request, response: web.Response) -> None:
    response.del_cookie(SIGN_IN_COOKIE, path="/", secure=_is_https(request), httponly=True, samesite="Strict")


def _is_https(request: web.Request) -> bool:
    """Tell whether the browser asked over TLS, be it ended by a proxy; who forges that harms itself."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0]
    return request.scheme == "https" or forwarded.strip().lower() == "https"
