from pathlib import Path

import orjson
import pytest

from services.session_bridge.adapters.openclaw.sessions_json import Entry, change, read
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError


def test_a_write_of_openclaws_own_in_between_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    path.write_bytes(b'{"b": {"sessionId": "old"}}')
    times = []

    def interrupted(entry: Entry | None) -> Entry:
        times.append(entry)
        if len(times) == 1:
            path.write_bytes(b'{"b": {"sessionId": "newer"}}')
        return {"sessionId": "mine"}

    change(tmp_path, "a", interrupted)
    assert orjson.loads(path.read_bytes()) == {"b": {"sessionId": "newer"}, "a": {"sessionId": "mine"}}
    assert [file.name for file in tmp_path.iterdir()] == ["sessions.json"]


def test_a_file_that_changes_all_the_time_is_left_for_later(tmp_path: Path) -> None:
    path, times = tmp_path / "sessions.json", []

    def always(_entry: Entry | None) -> Entry:
        times.append(0)
        path.write_bytes(b"{}" + b" " * len(times))
        return {}

    with pytest.raises(CannotWriteYetError, match="changes all the time"):
        change(tmp_path, "a", always)


@pytest.mark.parametrize("content", [b"{torn", b"[]"])
def test_a_file_that_cannot_be_understood_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sessions.json"
    path.write_bytes(content)
    with pytest.raises(CannotWriteYetError):
        change(tmp_path, "a", lambda _entry: {})
    assert path.read_bytes() == content


def test_an_entry_that_is_no_object_is_none(tmp_path: Path) -> None:
    (tmp_path / "sessions.json").write_bytes(b'{"a": 7}')
    assert read(tmp_path, "a") is None
