"""`GET /session-key`: which OpenClaw conversation a person's calls belong to."""

from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict

from services.session_bridge.keys import SESSION_KEYS
from services.session_bridge.routes.views import Answer
from shared import phone
from shared.operation import operation
from shared.problems import json_response


class PersonQuery(BaseModel):
    """Whose calls."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[str, AfterValidator(phone.parse), phone.AS_NUMBER]


class SessionKey(Answer):
    """The conversation that a call with this number would be written into now."""

    number: str
    session_key: str


@operation({200: SessionKey}, problems=(503,))
async def show_session_key(request: web.Request, query: PersonQuery) -> web.Response:
    """Tell which conversation a person's calls belong to."""
    key = await request.app[SESSION_KEYS].decide(query.number, "")
    return json_response(SessionKey(number=query.number, session_key=key))
