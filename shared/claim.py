"""One process a folder: two that write the same calls would end each other's."""

import fcntl
import os
from pathlib import Path
from typing import NoReturn

from shared.settings import refuse_to_start


def claim(data_dir: Path, service: str) -> None:
    """Make the folder of a service's data this process's own until it ends, or refuse to start."""
    try:
        if not claimed(data_dir, service):
            refuse_to_start(f"DATA_DIR: {data_dir} is in use by another {service}; stop that one first")
    except OSError as error:
        refuse_folder(data_dir, error)


def claimed(data_dir: Path, service: str) -> bool:
    """Make the folder of a service's data this process's own until it ends; False if another has it.

    Raises:
        OSError: the folder cannot be used.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(data_dir / f"{service}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True


def refuse_folder(data_dir: Path, error: Exception) -> NoReturn:
    """Refuse to start because the folder, or a file of ours in it, cannot be used."""
    refuse_to_start(f"DATA_DIR: {data_dir} cannot be used: {error}; e.g. DATA_DIR=./data")
