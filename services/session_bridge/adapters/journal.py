"""The journal: every call event on disk, in the order it came, and what each call has come to."""

import asyncio
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from sqlite3 import Connection, Row
from typing import NamedTuple

import orjson
from pydantic import TypeAdapter

from services.session_bridge.domain.choice import Store
from services.session_bridge.domain.late_answer import is_late
from services.session_bridge.domain.session import GapError, Session, State
from shared.database import Database
from shared.events import CallEnded, KeptEvent, TranscriptUpdate, call_event
from shared.transcript import Turn

SYNCED = "session_synced"
_FORGOTTEN_AT_ONCE = 50

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    call_id TEXT NOT NULL,
    event_id TEXT UNIQUE,
    sequence INTEGER,
    type TEXT NOT NULL,
    json BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_a_call ON events (call_id, number);
CREATE TABLE IF NOT EXISTS sessions (
    call_id TEXT PRIMARY KEY,
    phone_number TEXT NOT NULL,
    direction TEXT NOT NULL,
    started_at TEXT NOT NULL,
    session_key TEXT,
    state TEXT NOT NULL,
    last_sequence INTEGER NOT NULL,
    turns INTEGER NOT NULL,
    last_error TEXT,
    attempts INTEGER NOT NULL,
    messages_injected INTEGER NOT NULL,
    fetched BLOB
);
CREATE TABLE IF NOT EXISTS deliveries (
    call_id TEXT PRIMARY KEY,
    ended_at REAL NOT NULL,
    store TEXT,
    place TEXT,
    messages BLOB
);
CREATE TABLE IF NOT EXISTS late_answers (event_id TEXT PRIMARY KEY, call_id TEXT NOT NULL);
INSERT OR IGNORE INTO deliveries (call_id, ended_at)
    SELECT call_id, unixepoch(started_at) FROM sessions WHERE state != 'active';
CREATE INDEX IF NOT EXISTS deliveries_by_end ON deliveries (ended_at);
DROP INDEX IF EXISTS sessions_by_start;
CREATE INDEX IF NOT EXISTS sessions_by_state ON sessions (state) WHERE state != 'synced';
"""

_COLUMNS = [field.name for field in fields(Session) if field.name not in {"ended_at", "store"}]
_NAMES, _MARKS = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
_SELECT = f"SELECT {_NAMES}, ended_at, store FROM sessions LEFT JOIN deliveries USING (call_id)"  # noqa: S608 - our own fields
ENDED = f"{_SELECT} WHERE state != 'active' ORDER BY ended_at, sessions.rowid"
"""Every call that has ended, as rows for `session_of`."""

_INSERT = f"INSERT OR IGNORE INTO sessions ({_NAMES}) VALUES ({_MARKS})"  # noqa: S608 - the same
_TURNS: TypeAdapter[list[Turn]] = TypeAdapter(list[Turn])


class Record(NamedTuple):
    """One line of the journal; `session_key` is the call's."""

    number: int
    call_id: str
    session_key: str | None
    type: str
    json: bytes


class Receipt(NamedTuple):
    """What became of an event: new, or seen before; and whether it is an answer that came after its call."""

    is_new: bool
    session_key: str | None
    is_late: bool = False


class Journal:
    """Keep the call events. `grown` is set whenever something may have been added.

    Every method raises `shared.database.DatabaseError` when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.database = Database(path, _SCHEMA)
        self.grown = asyncio.Event()

    async def close(self) -> None:
        """Finish what was asked for and close the file."""
        await self.database.close()

    async def accept(self, event: KeptEvent, session_key: str | None) -> Receipt:
        """Keep the next event of a call; on disk when this returns. A repeat changes nothing.

        Args:
            event: the event.
            session_key: the call's key, kept if it has none yet.

        Raises:
            GapError: another event of the call comes first, or another had this sequence.
            AfterEndError: the call has ended and this type cannot follow.
        """
        json = event.model_dump_json().encode()

        def work(db: Connection) -> Receipt:
            row = db.execute(f"{_SELECT} WHERE call_id = ?", (event.call_id,)).fetchone()
            session = session_of(row) if row else Session.begin(event)
            if event.sequence == session.last_sequence + 1:
                after = session.take(event)
                if _insert(db, event.call_id, event.event_id, event.sequence, event.event_type, json):
                    if isinstance(event, CallEnded):
                        _end(db, after)
                    late = is_late(event, after)
                    if late:
                        db.execute("INSERT INTO late_answers VALUES (?, ?)", (event.event_id, event.call_id))
                    return Receipt(True, _save(db, after, session_key, is_new=row is None), late)
            return _repeated(db, event, session)

        try:
            return await self.database.run(work)
        finally:
            self.grown.set()

    async def import_call(self, session: Session, turns: Sequence[Turn]) -> None:
        """Keep a call that was fetched from the voice server; its own events may still follow."""
        content = orjson.dumps(turns)

        def work(db: Connection) -> None:
            db.execute(_INSERT, _values(session))
            _end(db, session)
            db.execute("UPDATE sessions SET fetched = ? WHERE call_id = ?", (content, session.call_id))

        await self.database.run(work)

    async def session(self, call_id: str) -> Session | None:
        """Find a call; None if nothing is known of it."""

        def work(db: Connection) -> Session | None:
            row = db.execute(f"{_SELECT} WHERE call_id = ?", (call_id,)).fetchone()
            return session_of(row) if row else None

        return await self.database.run(work)

    async def sessions(self, *states: State, limit: int | None = None) -> list[Session]:
        """List the calls in one of these states, the newest first, at most so many."""
        marks = ", ".join("?" * len(states))
        query = f"{_SELECT} WHERE state IN ({marks}) ORDER BY started_at DESC, sessions.rowid DESC LIMIT ?"
        values = (*states, -1 if limit is None else limit)
        return await self.database.run(lambda db: [session_of(row) for row in db.execute(query, values)])

    async def turns(self, call_id: str) -> list[Turn]:
        """Read what was said in a call, in the order it came."""
        return await self.database.run(lambda db: turns_of(db, call_id))

    async def synced(self, call_id: str, session_key: str, messages: int) -> bool:
        """Note that a call is in OpenClaw and tell it; False if that is known already."""
        json = orjson.dumps({"callId": call_id, "sessionKey": session_key, "messagesInjected": messages})
        query = (
            "UPDATE sessions SET state = 'synced', last_error = NULL, messages_injected = ? "
            "WHERE call_id = ? AND state IN ('syncing', 'failed')"
        )

        def work(db: Connection) -> bool:
            changed = db.execute(query, (messages, call_id)).rowcount == 1
            return changed and _insert(db, call_id, None, None, SYNCED, json)

        try:
            return await self.database.run(work)
        finally:
            self.grown.set()

    async def after(
        self, number: int, limit: int, *, call_id: str | None = None, session_key: str | None = None
    ) -> tuple[list[Record], int]:
        """Read up to `limit` records behind a number, and the number up to which that is all there is."""
        query = (
            "SELECT number, call_id, session_key, type, json FROM events JOIN sessions USING (call_id) "
            "WHERE number > :number AND (:call_id IS NULL OR call_id = :call_id) "
            "AND (:session_key IS NULL OR session_key = :session_key) ORDER BY number LIMIT :limit"
        )
        values = {"number": number, "limit": limit, "call_id": call_id, "session_key": session_key}

        def work(db: Connection) -> tuple[list[Record], int]:
            records = [Record(*row) for row in db.execute(query, values)]
            return records, records[-1].number if len(records) == limit else max(number, last_of(db))

        return await self.database.run(work)

    async def forget(self, before: float) -> int:
        """Delete some of the calls that ended before a moment and are in OpenClaw; return how many.

        Their numbers are not given again: who resumes behind one of them goes on with what is there.
        """
        query = (
            "SELECT call_id FROM deliveries JOIN sessions USING (call_id) "
            "WHERE state = 'synced' AND ended_at < ? LIMIT ?"
        )

        def work(db: Connection) -> int:
            found = [tuple(row) for row in db.execute(query, (before, _FORGOTTEN_AT_ONCE))]
            for table in ("events", "sessions", "deliveries", "late_answers"):
                db.executemany(f"DELETE FROM {table} WHERE call_id = ?", found)  # noqa: S608 - our own tables
            return len(found)

        return await self.database.run(work)

    async def last_number(self) -> int:
        """Tell the newest record's number, also if it has been forgotten; 0 if there never was one."""
        return await self.database.run(last_of)

    async def synced_number(self, call_id: str) -> int | None:
        """Tell the number under which a call was reported as synced; None if it is not."""
        query = "SELECT max(number) FROM events WHERE call_id = ? AND type = ?"
        return await self.database.run(lambda db: _number(db.execute(query, (call_id, SYNCED)).fetchone()))


def turns_of(db: Connection, call_id: str) -> list[Turn]:
    """Read what was said in a call, in the order it came."""
    fetched = db.execute("SELECT fetched FROM sessions WHERE call_id = ?", (call_id,)).fetchone()
    rows = db.execute(
        "SELECT json FROM events WHERE call_id = ? AND type = 'transcript_update' ORDER BY number",
        (call_id,),
    )
    events = (call_event.validate_json(row["json"]) for row in rows)
    return (_TURNS.validate_json(fetched["fetched"]) if fetched and fetched["fetched"] else []) + [
        Turn.of(event) for event in events if isinstance(event, TranscriptUpdate)
    ]


def last_of(db: Connection) -> int:
    """Read the newest record's number, also if it has been forgotten; 0 if there never was one."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return int(row["seq"]) if row else 0


def _insert(
    db: Connection, call_id: str, event_id: str | None, sequence: int | None, kind: str, json: bytes
) -> bool:
    query = "INSERT OR IGNORE INTO events (call_id, event_id, sequence, type, json) VALUES (?, ?, ?, ?, ?)"
    return db.execute(query, (call_id, event_id, sequence, kind, json)).rowcount == 1


def _save(db: Connection, session: Session, session_key: str | None, *, is_new: bool) -> str | None:
    key = session.session_key or session_key
    if is_new:
        db.execute(_INSERT, _values(session))
    db.execute(
        "UPDATE sessions SET state = ?, last_sequence = ?, turns = ?, session_key = ? WHERE call_id = ?",
        (session.state, session.last_sequence, session.turns, key, session.call_id),
    )
    return key


def _end(db: Connection, session: Session) -> None:
    """Let the delivery begin; for a call that was fetched before its events came, anew, at the old place."""
    db.execute(
        "INSERT INTO deliveries (call_id, ended_at) VALUES (?, ?) "
        "ON CONFLICT (call_id) DO UPDATE SET ended_at = excluded.ended_at, messages = NULL",
        (session.call_id, session.ended_at),
    )


def _repeated(db: Connection, event: KeptEvent, session: Session) -> Receipt:
    query = "SELECT session_key FROM events JOIN sessions USING (call_id) WHERE event_id = ?"
    if row := db.execute(query, (event.event_id,)).fetchone():
        return Receipt(False, row["session_key"])
    raise GapError(session.last_sequence + 1)


def session_of(row: Row) -> Session:
    """Read a row of `sessions`, joined with `deliveries`."""
    values = dict(row)
    store = Store(values["store"]) if values["store"] else None
    return Session(**values | {"state": State(values["state"]), "store": store})


def _values(session: Session) -> list[object]:
    return [getattr(session, name) for name in _COLUMNS]


def _number(row: Row) -> int | None:
    value = row[0]
    return int(value) if value is not None else None
