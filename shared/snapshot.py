"""Copies of SQLite files that are all of one moment, also while others write into them.

Who has one file before the other gets copies that contradict each other: an event that one service has
delivered, and the other has not got. So for a moment nobody may write into any; what they hold then is
copied afterwards, while everybody goes on.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from shared.database import DatabaseError

_PATIENCE_SECONDS = 60
"""How long to wait for somebody who writes: a file may just be written anew."""


def copy(files: Sequence[Path], folder: Path) -> None:
    """Copy databases into a folder, as they are at one moment; each copy is found sound.

    Raises:
        DatabaseError: one of them cannot be read, or the folder cannot be written.
    """
    try:
        with ExitStack() as opened:
            for reader, file in zip(_of_one_moment(files, opened), files, strict=True):
                path = folder / file.name
                path.touch(mode=0o600)
                with closing(sqlite3.connect(path)) as written:
                    reader.backup(written)
                    (found,) = written.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise DatabaseError(f"{file} is damaged: {found}")
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(str(error)) from error


def _of_one_moment(files: Sequence[Path], opened: ExitStack) -> list[sqlite3.Connection]:
    """Open databases that go on showing what all of them held at one moment."""
    with ExitStack() as held:
        for file in files:
            _open(file, held).execute("BEGIN IMMEDIATE")
        readers = [_open(file, opened) for file in files]
        for reader in readers:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # only now it is fixed
    return readers


def _open(file: Path, until: ExitStack) -> sqlite3.Connection:
    uri = f"{file.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_PATIENCE_SECONDS)
    return until.enter_context(closing(connection))
