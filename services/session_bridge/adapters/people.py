"""What the journal has of one person, and how it is deleted."""

from sqlite3 import Connection

from services.session_bridge.adapters.journal import Journal
from shared.people import Forgotten


class People:
    """Forget people in the journal's file; raises `DatabaseError` with it."""

    def __init__(self, journal: Journal) -> None:
        self._database = journal.database

    async def forget(self, number: str) -> Forgotten:
        """Delete a person's calls, in OpenClaw or not, so that nothing of them is left on the disk."""
        query = "SELECT call_id, session_key FROM sessions WHERE phone_number = ? ORDER BY sessions.rowid"

        def work(db: Connection) -> Forgotten:
            found = db.execute(query, (number,)).fetchall()
            calls = [(row["call_id"],) for row in found]
            for table in ("events", "sessions", "deliveries", "late_answers"):
                db.executemany(f"DELETE FROM {table} WHERE call_id = ?", calls)  # noqa: S608 - our own tables
            keys = sorted({row["session_key"] for row in found if row["session_key"]})
            return Forgotten(calls=len(found), call_ids=[call for (call,) in calls], session_keys=keys)

        forgotten = await self._database.run(work)
        await self._database.scrub()
        return forgotten
