from pathlib import Path

import pytest
from pydantic import ValidationError

from services.session_bridge.settings import BridgeSettings, read_session_map
from shared.settings import faults
from tests.session_bridge.conftest import Settings


def test_the_session_map_is_read_with_the_settings(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    path = tmp_path / "config" / "sessions.json"
    path.write_text('{"+1 415 555 0123": "agent:main:telegram:direct:42"}', encoding="utf-8")
    assert settings().session_map == {"+14155550123": "agent:main:telegram:direct:42"}
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(ValidationError) as caught:
        settings()
    assert "sessions.json" in faults(caught.value, BridgeSettings)[0]


def test_no_session_map_is_an_empty_one(tmp_path: Path) -> None:
    assert read_session_map(tmp_path / "sessions.json") == {}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"+14155550123": 7}',
        '{"me": "agent:main:main"}',
        '{"+14155550123": "main"}',
        '{"+14155550123": "agent::main"}',
        '{"+14155550123": "agent:../x:main"}',
    ],
)
def test_a_bad_session_map_names_the_file_and_shows_an_example(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sessions.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"sessions\.json.*e\.g\. "):
        read_session_map(path)
