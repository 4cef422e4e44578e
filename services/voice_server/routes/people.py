"""`/people/{number}`: a person is forgotten."""

from aiohttp import web

from services.voice_server.keys import STORE
from shared.operation import operation
from shared.people import Forgotten, PersonPath
from shared.problems import json_response

routes = web.RouteTableDef()


@routes.delete("/people/{number}")
@operation({200: Forgotten}, problems=(409, 503))
async def forget(request: web.Request, path: PersonPath) -> web.Response:
    """Delete a person's calls and all that was said in them; repeatable. What OpenClaw has stays there."""
    return json_response(await request.app[STORE].forget_person(path.number))
