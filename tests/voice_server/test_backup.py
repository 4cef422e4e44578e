"""What a backup has, and what it refuses."""

from pathlib import Path

import pytest

from services.voice_server.adapters.store import Store
from services.voice_server.backup import CannotBackUpError, back_up


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A folder as it is after calls, and things in it that are not ours."""
    folder = tmp_path / "data"
    await Store(folder).close()
    (folder / "recordings").mkdir()
    (folder / "recordings" / "CA1.wav").write_bytes(b"RIFF")
    (folder / "connect.json").write_text("{}")
    (folder / "voice server.lock").touch()
    (folder / "sandbox").mkdir()
    (folder / "sandbox" / "voice.sqlite").touch()
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "agent.json").write_text("{}")
    return folder


def test_data_recordings_and_configuration_are_in_it_for_its_owner_alone(
    data: Path, config: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backups" / "1"
    names = ["config/agent.json", "data/connect.json", "data/recordings", "data/voice.sqlite"]
    assert back_up(data, config, backup) == names
    assert (backup / "data" / "recordings" / "CA1.wav").read_bytes() == b"RIFF"
    assert backup.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in backup.parent.iterdir()] == ["1"]


@pytest.mark.parametrize("there", ["a file", "a folder with something in it"])
def test_nothing_is_written_over(data: Path, config: Path, tmp_path: Path, there: str) -> None:
    backup = tmp_path / "backup"
    if there == "a file":
        backup.write_text("mine")
    else:
        backup.mkdir()
        (backup / "mine").touch()
    with pytest.raises(CannotBackUpError, match="is not empty; name a folder that does not exist yet"):
        back_up(data, config, backup)


def test_without_data_or_a_place_to_write_it_says_so_and_leaves_nothing(
    data: Path, config: Path, tmp_path: Path
) -> None:
    with pytest.raises(CannotBackUpError, match=r"nothing to back up in .*; e\.g\. DATA_DIR=\./data"):
        back_up(tmp_path / "elsewhere", config, tmp_path / "backup")
    (data / "voice.sqlite").write_text("damaged " * 200)
    with pytest.raises(CannotBackUpError, match="not a database"):
        back_up(data, config, tmp_path / "backup")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config", "data"]
