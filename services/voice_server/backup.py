"""`python -m services.voice_server backup FOLDER`: what both services keep, as it is at one moment.

It works whether they run or not, and neither is asked: SQLite lets a third read while they write.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from pydantic import model_validator

from shared import snapshot
from shared.database import DatabaseError
from shared.settings import Settings, load, refuse_to_start

_FOLDERS = ("recordings",)
"""What stands in DATA_DIR beside plain files; anything else there, such as the sandbox's, is not ours."""

_NOT_KEPT = (".lock", ".sqlite", ".sqlite-wal", ".sqlite-shm")

_DONE = """In {folder}: {names}.
Calls that run are in it as far as they had come. Not in it: .env with its secrets, OpenClaw's own sessions.
To restore, stop both services, put what is in {folder}/data into an empty DATA_DIR
and what is in {folder}/config into CONFIG_DIR, and start them.
"""


class BackupSettings(Settings):
    """What a backup reads: only where things are, so it needs nobody's keys."""

    @model_validator(mode="after")
    def _keys_where_real_accounts_are(self) -> Self:
        return self


class CannotBackUpError(Exception):
    """There is no backup; the text says why, and what to change."""


def run(folder: Path) -> int:
    """Make a backup by the settings of the environment and say what is in it; the exit status."""
    settings = load(BackupSettings)
    try:
        names = back_up(settings.data_dir, settings.config_dir, folder)
    except CannotBackUpError as error:
        refuse_to_start(str(error))
    sys.stdout.write(_DONE.format(folder=folder, names=", ".join(names)))
    return 0


def back_up(data_dir: Path, config_dir: Path, folder: Path) -> list[str]:
    """Copy data and configuration into a new folder, which is there only once all of it is; what it holds.

    Raises:
        CannotBackUpError: see there. Nothing is left behind.
    """
    databases = sorted(data_dir.glob("*.sqlite"))
    if not databases:
        raise CannotBackUpError(f"DATA_DIR: there is nothing to back up in {data_dir}; e.g. DATA_DIR=./data")
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise CannotBackUpError(f"{folder} is not empty; name a folder that does not exist yet")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".backup-", dir=folder.parent) as unfinished:
            made = Path(unfinished, "backup")
            (made / "data").mkdir(parents=True, mode=0o700)
            made.chmod(0o700)
            snapshot.copy(databases, made / "data")
            # After the databases: what they say is there has been there before.
            for file in _beside(data_dir):
                _copy(file, made / "data" / file.name)
            _copy(config_dir, made / "config")
            made.rename(folder)
    except (OSError, shutil.Error, DatabaseError) as error:
        raise CannotBackUpError(f"There is no backup in {folder}: {error}") from error
    return sorted(f"{part.name}/{file.name}" for part in folder.iterdir() for file in part.iterdir())


def _beside(data_dir: Path) -> Iterator[Path]:
    """Tell what else is kept there."""
    for file in data_dir.iterdir():
        if file.name in _FOLDERS if file.is_dir() else not file.name.endswith(_NOT_KEPT):
            yield file


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_copy_file)
    else:
        _copy_file(source, target)


def _copy_file(source: str | Path, target: str | Path) -> None:
    with suppress(FileNotFoundError):  # It has been forgotten meanwhile.
        shutil.copy2(source, target)
