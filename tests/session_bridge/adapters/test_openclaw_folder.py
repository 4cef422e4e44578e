from pathlib import Path

import pytest

from services.session_bridge.adapters.openclaw_folder import CannotWriteYetError, OpenClawFolder
from tests.session_bridge.openclaw import Home


def test_the_configuration_is_read_anew_when_it_changes(home: Home) -> None:
    folder = OpenClawFolder(home.root, "auto")
    assert folder.config().session.dm_scope == "main"
    home.configure(session={"dmScope": "per-peer"})
    assert folder.config() is folder.config()
    assert folder.config().session.dm_scope == "per-peer"


def test_a_broken_configuration_is_told_with_its_path(home: Home) -> None:
    (home.root / "openclaw.json").write_text("{broken", encoding="utf-8")
    with pytest.raises(CannotWriteYetError, match=r"openclaw\.json"):
        OpenClawFolder(home.root, "auto").config()


def test_the_keys_in_use_are_read_where_they_decide_something(home: Home) -> None:
    home.enter("agent:main:dm:42", sessionId="s1", updatedAt=1)
    folder = OpenClawFolder(home.root, "auto")
    assert not folder.openclaw("main").existing_keys
    home.configure(session={"dmScope": "per-peer"}, meta={"lastTouchedVersion": "2026.7.35"})
    openclaw = folder.openclaw("main")
    assert (openclaw.existing_keys, openclaw.release) == ({"agent:main:dm:42"}, (2026, 7, 35))


def test_where_nothing_is_to_be_seen_the_store_is_undecided(tmp_path: Path) -> None:
    folder = OpenClawFolder(tmp_path, "auto")
    assert folder.store("main") is None
    with pytest.raises(CannotWriteYetError, match="start OpenClaw once"):
        folder.require_jsonl("main")
    assert OpenClawFolder(tmp_path, "jsonl").store("main") == "jsonl"


@pytest.mark.parametrize(("release", "store"), [("2026.7.35", "jsonl"), ("2026.9.6", "gateway")])
def test_before_there_is_a_database_the_release_tells_the_store(home: Home, release: str, store: str) -> None:
    home.configure(meta={"lastTouchedVersion": release})
    assert OpenClawFolder(home.root, "auto").store("main") == store
    assert OpenClawFolder(home.root, "jsonl").store("main") == "jsonl"
