"""A folder of data and the one process it belongs to."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.claim import claim

HOLD = """
import sys
from pathlib import Path
from shared.claim import claim
claim(Path(sys.argv[1]), "voice server")
sys.stdout.write("claimed\\n")
sys.stdout.flush()
sys.stdin.read()
"""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Have another process claim the folder for a voice server, and end at the end of the block."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "claimed\n"
        yield
        holder.communicate(timeout=10)


def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Claim the folder in vain; what was said."""
    with pytest.raises(SystemExit) as caught:
        claim(folder, "voice server")
    assert caught.value.code == 4, "the one at which gunicorn stops, too"
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_folder_in_use_is_refused_until_the_process_that_has_it_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    with held(folder):
        line = refused(folder, capsys)
        assert line == f"DATA_DIR: {folder} is in use by another voice server; stop that one first"
        claim(folder, "session bridge")  # the two services may share a folder
    claim(folder, "voice server")
    assert refused(folder, capsys).startswith("DATA_DIR: ")


def test_a_folder_that_cannot_be_used_is_refused_with_an_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", Path("/dev/null/data")):
        line = refused(folder, capsys)
        assert line.startswith(f"DATA_DIR: {folder} cannot be used: ")
        assert line.endswith("; e.g. DATA_DIR=./data")
