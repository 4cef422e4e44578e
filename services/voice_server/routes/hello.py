"""`/voice/hello`: by it the doctor sees that the public address leads to this very server, and how."""

import hmac
from hashlib import sha256

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.voice_server.keys import SETTINGS
from shared.operation import OPEN, operation
from shared.problems import json_response

routes = web.RouteTableDef()


class HelloQuery(BaseModel):
    """What nobody could know before."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")


class Hello(BaseModel):
    """The proof that this server has the settings of who asks, and the path under which it was asked."""

    proof: str
    path: str


@routes.get("/voice/hello")
@operation({200: Hello}, security=OPEN)
async def hello(request: web.Request, query: HelloQuery) -> web.Response:
    """Prove that it is this server that answers."""
    secret = request.app[SETTINGS].twilio_auth_token.get_secret_value()
    told = Hello(proof=proof(secret, query.token), path=request.raw_path)
    return json_response(told, headers={"Cache-Control": "no-store"})


def proof(secret: str, token: str) -> str:
    """Make what only a server with this secret can answer."""
    return hmac.digest(secret.encode(), f"hello {token}".encode(), sha256).hex()
