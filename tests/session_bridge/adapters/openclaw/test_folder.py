from dataclasses import replace

import pytest

from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain.choice import Evidence
from services.session_bridge.domain.release import Release
from tests.session_bridge.openclaw import NO_COMMAND, Home, Installed


def test_the_configuration_is_read_anew_when_it_changes(home: Home) -> None:
    folder = OpenClawFolder(home.root, NO_COMMAND)
    assert folder.config().session.dm_scope == "main"
    home.configure(session={"dmScope": "per-peer"})
    assert folder.config() is folder.config()
    assert folder.config().session.dm_scope == "per-peer"


def test_the_configuration_is_read_anew_when_an_included_file_changes(home: Home) -> None:
    home.configure(session={"$include": "./session.json5"})
    included = home.root / "session.json5"
    folder = OpenClawFolder(home.root, NO_COMMAND)
    with pytest.raises(CannotWriteYetError, match=r"session\.json5"):
        folder.config()
    for scope in ("main", "per-peer"):
        included.write_text(f"{{dmScope: '{scope}'}}", encoding="utf-8")
        assert folder.config() is folder.config()
        assert folder.config().session.dm_scope == scope
    included.unlink()
    with pytest.raises(CannotWriteYetError, match=r"session\.json5"):
        folder.config()


@pytest.mark.parametrize("named", ["{agentId}", "main"])
def test_a_session_store_may_be_named_where_it_is_anyway(home: Home, named: str) -> None:
    folder = OpenClawFolder(home.root, NO_COMMAND)
    home.configure(session={"store": f"{home.root}/agents/{named}/sessions/sessions.json"})
    assert folder.sessions("main") == home.sessions


def test_a_home_is_where_it_is(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = OpenClawFolder(home.root, NO_COMMAND)
    monkeypatch.setenv("HOME", str(home.root.parent))
    home.configure(session={"store": f"~/{home.root.name}/agents/{{agentId}}/sessions/sessions.json"})
    assert folder.sessions("main") == home.sessions


@pytest.mark.parametrize(
    "store",
    [
        "/elsewhere/{agentId}/sessions.json",
        "agents/{agentId}/sessions/sessions.json",
        "~nobody-of-that-name/sessions.json",
        "~/sessions.json",
    ],
)
def test_a_session_store_elsewhere_is_refused(home: Home, store: str) -> None:
    folder = OpenClawFolder(home.root, NO_COMMAND)
    home.configure(session={"store": store})
    with pytest.raises(
        CannotWriteYetError, match=r"session\.store in openclaw\.json is .*take session\.store out"
    ):
        folder.sessions("main")
    assert folder.evidence("main") == Evidence(has_files=True)


def test_a_broken_configuration_is_told_with_its_path(home: Home) -> None:
    (home.root / "openclaw.json").write_text("{broken", encoding="utf-8")
    with pytest.raises(CannotWriteYetError, match=r"openclaw\.json"):
        OpenClawFolder(home.root, NO_COMMAND).config()


def test_the_keys_in_use_are_read_where_they_decide_something(home: Home) -> None:
    home.enter("agent:main:dm:42", sessionId="s1", updatedAt=1)
    folder = OpenClawFolder(home.root, NO_COMMAND)
    assert not folder.openclaw("main").existing_keys
    home.configure(session={"dmScope": "per-peer"}, meta={"lastTouchedVersion": "2026.7.35"})
    openclaw = folder.openclaw("main")
    assert (openclaw.existing_keys, openclaw.release) == ({"agent:main:dm:42"}, (2026, 7, 35))


@pytest.mark.parametrize("installed", [None, (2026, 7, 35)])
def test_what_is_to_be_seen_is_told(home: Home, installed: Release | None) -> None:
    command = NO_COMMAND if installed is None else Installed(installed)
    folder = OpenClawFolder(home.root, command)
    assert folder.evidence("main") == Evidence(has_files=True, installed=installed)
    assert folder.release() == installed
    home.configure(meta={"lastTouchedVersion": "2026.9.6"})
    assert folder.evidence("main").wrote == folder.release() == (2026, 9, 6)
    assert folder.evidence("other") == replace(folder.evidence("main"), has_files=False)
    home.become_sqlite()
    assert folder.evidence("main") == Evidence(has_sqlite=True)
