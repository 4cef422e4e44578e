from pathlib import Path

import pytest

from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.adapters.openclaw.transcript_file import read
from services.session_bridge.domain.transcript import messages
from tests.session_bridge.calls import CALL, turns

HEADER = b'{"type":"session","version":3,"id":"s1","timestamp":"2026-11-22T13:00:00.000Z"}\n'
SAID = messages(CALL, turns("assistant: hi"))


@pytest.mark.parametrize(
    ("leaf", "parent"),
    [
        (b'{"type":"leaf","id":"l","parentId":"a","targetId":"t"}\n', "t"),
        (b'{"type":"leaf","id":"l","parentId":"a","targetId":"t","appendParentId":"p"}\n', "p"),
        (b'{"type":"leaf","id":"l","parentId":"a"}\n', "l"),
        (b'{"type":"custom","id":"c","parentId":"a"}\n', "c"),
        (b"", None),
    ],
)
def test_a_block_hangs_on_the_line_the_conversation_goes_on_from(
    tmp_path: Path, leaf: bytes, parent: str | None
) -> None:
    path = tmp_path / "s1.jsonl"
    path.write_bytes(HEADER + leaf)
    assert read(path).last_id == parent


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert not read(tmp_path / "s1.jsonl", SAID).has_lines


def test_lines_without_a_header_are_not_added_to(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    path.write_bytes(b'{"type":"message","id":"a"}\n[]\nnonsense\n')
    with pytest.raises(CannotWriteYetError, match="no session header"):
        read(path).append(SAID, {})


def test_a_header_without_a_time_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    path.write_bytes(b'{"type":"session","id":"s1"}\n')
    assert read(path).begun_ms is None
