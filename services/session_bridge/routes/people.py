"""`/people/{number}`: a person is forgotten."""

from aiohttp import web

from services.session_bridge.keys import PEOPLE, TAILS
from shared.operation import operation
from shared.people import Forgotten, PersonPath
from shared.problems import json_response


@operation({200: Forgotten}, problems=(503,))
async def forget_person(request: web.Request, path: PersonPath) -> web.Response:
    """Delete a person's calls from the journal, written or not; repeatable. What OpenClaw has stays there.

    What the voice server still has of a call that runs comes anew: have it forget the person first.
    """
    forgotten = await request.app[PEOPLE].forget(path.number)
    request.app[TAILS].forget()
    return json_response(forgotten)
