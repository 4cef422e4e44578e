"""Running calls: which they are at one moment, and all that they have told by then."""

from sqlite3 import Connection

import orjson

from services.session_bridge.adapters.journal import Journal, Record, last_of


class RunningCalls:
    """The calls that ran when `number` was the journal's newest; reading raises `DatabaseError`."""

    def __init__(self, journal: Journal, call_ids: list[str], number: int) -> None:
        self._database = journal.database
        self._call_ids = orjson.dumps(call_ids).decode()
        self.number = number

    @classmethod
    async def now(cls, journal: Journal) -> "RunningCalls":
        """Find those that run now."""
        # What has not been synced has an index.
        query = "SELECT call_id FROM sessions WHERE state = 'active' AND state != 'synced'"

        # Both at once: a call that ended in between would be told from the middle, one that began not at all.
        def work(db: Connection) -> tuple[list[str], int]:
            return [row["call_id"] for row in db.execute(query)], last_of(db)

        return cls(journal, *await journal.database.run(work))

    async def told(self, number: int, limit: int) -> list[Record]:
        """Read up to `limit` records behind a number of what they had told, in the journal's order."""
        query = (
            "SELECT number, call_id, session_key, type, json FROM events JOIN sessions USING (call_id) "
            "WHERE call_id IN (SELECT value FROM json_each(?)) AND number > ? AND number <= ? "
            "ORDER BY number LIMIT ?"
        )
        values = (self._call_ids, number, self.number, limit)
        return await self._database.run(lambda db: [Record(*row) for row in db.execute(query, values)])
