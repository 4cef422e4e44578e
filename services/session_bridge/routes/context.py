"""`GET /sessions/{sessionKey}/context`: the newest turns of an OpenClaw conversation."""

from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from services.session_bridge.domain.choice import Store
from services.session_bridge.domain.session_key import FULL_KEY
from services.session_bridge.keys import STORES
from services.session_bridge.routes.views import Answer
from shared.events import Speaker, Timestamp
from shared.operation import operation
from shared.problems import json_response


def _full(session_key: str) -> str:
    if not FULL_KEY.fullmatch(session_key):
        raise ValueError("must be a full session key, `agent:<id>:…`, e.g. agent:main:main")
    return session_key


class ContextPath(BaseModel):
    """Which conversation is wanted: its full key, percent-encoded where need be."""

    session_key: Annotated[
        str,
        AfterValidator(_full),
        WithJsonSchema({"type": "string", "pattern": f"^{FULL_KEY.pattern}$"}),
    ] = Field(alias="sessionKey")


class ContextQuery(BaseModel):
    """How many turns are wanted at most."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(16, ge=1, le=100)


class ContextTurn(Answer):
    """What somebody said. `timestamp` is null if OpenClaw does not tell."""

    role: Speaker
    text: str
    timestamp: Timestamp | None


class Context(Answer):
    """The newest turns, the oldest first; none if OpenClaw's next turn would not go on with any."""

    session_key: str
    store: Store
    turns: list[ContextTurn]


@operation({200: Context}, problems=(503,))
async def show_context(request: web.Request, path: ContextPath, query: ContextQuery) -> web.Response:
    """Show the newest turns of an OpenClaw conversation, read without disturbing it."""
    store, said = await request.app[STORES].newest(path.session_key, query.limit)
    turns = [ContextTurn(role=turn.role, text=turn.text, timestamp=turn.at) for turn in said]
    return json_response(Context(session_key=path.session_key, store=store, turns=turns))
