"""The ended calls of a journal, read without disturbing the bridge that may be at work on it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from services.session_bridge.adapters.deliveries import block_of
from services.session_bridge.adapters.journal import ENDED, session_of, turns_of
from services.session_bridge.domain import transcript
from services.session_bridge.domain.session import Session
from services.session_bridge.domain.transcript import Block
from shared.database import DatabaseError


class EndedCall(NamedTuple):
    """A call that has ended, with what is to be of it in OpenClaw; no block while its key is not settled."""

    session: Session
    block: Block | None


def read(path: Path) -> list[EndedCall]:
    """Read the ended calls in which somebody spoke, the first that ended in front.

    What was not frozen, by an older version or not yet, is made of what was said.

    Raises:
        DatabaseError: it cannot be read, or is of an older version that no bridge has brought up to date.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            db.execute("BEGIN")
            ended = []
            for row in db.execute(ENDED).fetchall():
                session = session_of(row)
                block = block_of(db, session.call_id)
                messages = block.messages if block else ()
                if block is None:
                    messages = transcript.messages(session.call_id, turns_of(db, session.call_id))
                    if session.session_key:
                        block = Block(session.call_id, session.session_key, messages)
                if messages:
                    ended.append(EndedCall(session, block if session.session_key else None))
            return ended
    except sqlite3.Error as error:
        raise DatabaseError(f"{path} cannot be read: {error}") from error
