"""Find calls by a part of what was said in them.

The words of a call are put into a trigram index (FTS5) when it is done with, all at once. Of the few that are
not, the turns are looked through. Words are kept case-folded, as SQLite can fold nothing but ASCII.
"""

import re
import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS words (
    number INTEGER PRIMARY KEY REFERENCES calls ON DELETE CASCADE,
    folded TEXT NOT NULL
);
CREATE VIRTUAL TABLE IF NOT EXISTS said USING fts5
    (folded, content = 'words', content_rowid = 'number', tokenize = 'trigram case_sensitive 1');
CREATE TRIGGER IF NOT EXISTS words_kept AFTER INSERT ON words BEGIN
    INSERT INTO said (rowid, folded) VALUES (new.number, new.folded);
END;
CREATE TRIGGER IF NOT EXISTS words_forgotten AFTER DELETE ON words BEGIN
    INSERT INTO said (said, rowid, folded) VALUES ('delete', old.number, old.folded);
END;
"""

_BETWEEN_TURNS = "\x1f"
_KEPT_AT_ONCE = 50
# A NUL would end the text for SQLite.
_REPLACED = str.maketrans(dict.fromkeys(f"\0{_BETWEEN_TURNS}", "\ufffd"))
_TRIGRAM = 3

_LATER = """(phase <> 'ended' AND EXISTS (SELECT 1 FROM events WHERE events.call_id = calls.call_id
    AND type = 'transcript_update' AND folded(json_extract(body, '$.data.content')) GLOB ?))"""
_BY_INDEX = "number IN (SELECT rowid FROM said WHERE said MATCH ?)"
_BY_LOOKING = "EXISTS (SELECT 1 FROM words WHERE words.number = calls.number AND folded GLOB ?)"


def condition(db: sqlite3.Connection, text: str) -> tuple[str, tuple[str, str]]:
    """Put into SQL that somebody said a text in a call, in whatever case; with the values to bind."""
    db.create_function("folded", 1, _fold, deterministic=True)
    wanted = _fold(text)
    pattern = "*" + re.sub(r"[*?[]", r"[\g<0>]", wanted) + "*"
    if len(wanted) < _TRIGRAM:
        return f"({_BY_LOOKING} OR {_LATER})", (pattern, pattern)
    phrase = wanted.replace('"', '""')
    return f"({_BY_INDEX} OR {_LATER})", (f'"{phrase}"', pattern)


def keep_words(db: sqlite3.Connection, ref: str) -> None:
    """Put what was said in a call that is done with into the index, unless it is there."""
    query = "SELECT number, call_id FROM calls WHERE ref = ? AND number NOT IN (SELECT number FROM words)"
    for row in db.execute(query, (ref,)).fetchall():
        _keep(db, row)


def keep_missing_words(db: sqlite3.Connection, before: int) -> int:
    """Put some of the calls that an older release has kept into the index, going back from a number.

    Returns the number to go on from, 0 if there are no more.
    """
    rows = db.execute(
        "SELECT number, call_id FROM calls WHERE number < ? AND phase = 'ended' AND NOT EXISTS"
        " (SELECT 1 FROM words WHERE words.number = calls.number) ORDER BY number DESC LIMIT ?",
        (before, _KEPT_AT_ONCE),
    ).fetchall()
    for row in rows:
        _keep(db, row)
    return rows[-1]["number"] if len(rows) == _KEPT_AT_ONCE else 0


def forget_deleted(db: sqlite3.Connection) -> None:
    """Leave nothing in the index of calls that are deleted: else it only notes that they are."""
    db.execute("INSERT INTO said (said) VALUES ('optimize')")


def _keep(db: sqlite3.Connection, call: sqlite3.Row) -> None:
    turns = db.execute(
        "SELECT json_extract(body, '$.data.content') FROM events"
        " WHERE call_id = ? AND type = 'transcript_update' ORDER BY sequence",
        (call["call_id"],),
    )
    folded = _BETWEEN_TURNS.join(_fold(words) for (words,) in turns)
    db.execute("INSERT INTO words (number, folded) VALUES (?,?)", (call["number"], folded))


def _fold(text: str) -> str:
    return text.casefold().translate(_REPLACED)
