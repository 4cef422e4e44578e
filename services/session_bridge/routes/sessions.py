"""`GET /sessions`: the calls and what has become of each."""

from aiohttp import web

from services.session_bridge.domain.session import Session, State
from services.session_bridge.keys import JOURNAL
from shared.problems import InvalidRequestError, json_response


async def list_sessions(request: web.Request) -> web.Response:
    """List the calls, the newest first; `state=` filters."""
    wanted = request.query.get("state")
    if wanted is not None and wanted not in set(State):
        raise InvalidRequestError(f"state: use one of {', '.join(State)}")
    states = (State(wanted),) if wanted else tuple(State)
    sessions = await request.app[JOURNAL].sessions(*states)
    return json_response({"sessions": [_shown(session) for session in sessions]})


def _shown(session: Session) -> dict[str, str | int | None]:
    return {
        "sessionKey": session.session_key,
        "callId": session.call_id,
        "phoneNumber": session.phone_number,
        "direction": session.direction,
        "startedAt": session.started_at,
        "turns": session.turns,
        "state": session.state,
        "lastError": session.last_error,
    }
