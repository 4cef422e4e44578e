"""Deliveries: what has become of each ended call on its way into OpenClaw, on disk.

A delivery is pending while nothing is noted of it, being written once its block is frozen and a place chosen,
and done when the journal says `session_synced`. Nothing else ends it.
"""

from sqlite3 import Connection

import orjson
from pydantic import TypeAdapter

from services.session_bridge.adapters.journal import Journal
from services.session_bridge.domain.transcript import Block, Message

_MESSAGES: TypeAdapter[tuple[Message, ...]] = TypeAdapter(tuple[Message, ...])
_BEGUN = """
SELECT session_key, store, place, messages FROM deliveries JOIN sessions USING (call_id) WHERE call_id = ?
"""


class Deliveries:
    """Keep how far each delivery is, in the journal's file; every method raises `DatabaseError` with it."""

    def __init__(self, journal: Journal) -> None:
        self._database = journal.database

    async def freeze_key(self, call_id: str, session_key: str) -> None:
        """Settle the key of a call that has none."""
        query = "UPDATE sessions SET session_key = ? WHERE call_id = ? AND session_key IS NULL"
        await self._database.run(lambda db: db.execute(query, (session_key, call_id)))

    async def begun(self, call_id: str) -> Block | None:
        """Read the block of a delivery whose writing has begun; None if it has not."""
        return await self._database.run(lambda db: block_of(db, call_id))

    async def begin(self, block: Block) -> None:
        """Freeze a block and note where it is to go."""
        query = "UPDATE deliveries SET messages = ?, store = ?, place = ? WHERE call_id = ?"
        values = (orjson.dumps(block.messages), block.store, block.place, block.call_id)
        await self._database.run(lambda db: db.execute(query, values))

    async def failed(self, call_id: str, reason: str) -> bool:
        """Note that an attempt failed, and why; False if the one before failed for the same reason."""
        query = (
            "UPDATE sessions SET state = 'failed', last_error = ?, attempts = attempts + 1 "
            "WHERE call_id = ? AND state IN ('syncing', 'failed')"
        )

        def work(db: Connection) -> bool:
            known = db.execute("SELECT last_error FROM sessions WHERE call_id = ?", (call_id,)).fetchone()
            db.execute(query, (reason, call_id))
            return known is None or known["last_error"] != reason

        return await self._database.run(work)


def block_of(db: Connection, call_id: str) -> Block | None:
    """Read the block of a delivery whose writing has begun; None if it has not."""
    row = db.execute(_BEGUN, (call_id,)).fetchone()
    if row is None or row["messages"] is None:
        return None
    messages = _MESSAGES.validate_json(row["messages"])
    return Block(call_id, row["session_key"], messages, row["store"], row["place"])
