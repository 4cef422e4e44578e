"""The late answers that are still to be brought to the owner's chat, on disk."""

from sqlite3 import Connection, Row

from services.session_bridge.adapters.journal import Journal
from services.session_bridge.domain.late_answer import LateAnswer
from shared.events import ToolFinished, ToolStarted, call_event

_WAITING = """
SELECT event_id, events.call_id FROM late_answers JOIN events USING (event_id)
JOIN sessions ON sessions.call_id = events.call_id ORDER BY events.number
"""
_LATE = """
SELECT json, session_key FROM events JOIN sessions ON sessions.call_id = events.call_id WHERE event_id = ?
"""
_STARTED = "SELECT json FROM events WHERE call_id = ? AND type = 'tool_started'"


class LateAnswers:
    """Keep them in the journal's file, which enters them; every method raises `DatabaseError` with it."""

    def __init__(self, journal: Journal) -> None:
        self._database = journal.database

    async def waiting(self) -> list[tuple[str, str]]:
        """List the event ids of those that wait, each with its call's, the oldest first."""
        return await self._database.run(
            lambda db: [(row["event_id"], row["call_id"]) for row in db.execute(_WAITING)]
        )

    async def read(self, event_id: str) -> LateAnswer:
        """Read one that waits."""
        return await self._database.run(
            lambda db: _late_answer(db, db.execute(_LATE, (event_id,)).fetchone())
        )

    async def done(self, event_id: str) -> None:
        """Forget that one waits."""
        query = "DELETE FROM late_answers WHERE event_id = ?"
        await self._database.run(lambda db: db.execute(query, (event_id,)))


def _late_answer(db: Connection, row: Row) -> LateAnswer:
    finished = call_event.validate_json(row["json"])
    assert isinstance(finished, ToolFinished)  # noqa: S101 - the journal enters no other
    tool_call_id = finished.data.tool_call_id
    started = (call_event.validate_json(other["json"]) for other in db.execute(_STARTED, (finished.call_id,)))
    arguments = (
        event.data.arguments
        for event in started
        if isinstance(event, ToolStarted) and event.data.tool_call_id == tool_call_id
    )
    return LateAnswer(
        event_id=finished.event_id,
        call_id=finished.call_id,
        session_key=row["session_key"],
        arguments=next(arguments, ""),
        answer=finished.data.output,
        came_at=finished.timestamp.timestamp(),
    )
