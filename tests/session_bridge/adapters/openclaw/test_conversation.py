import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.session_bridge.adapters.openclaw import conversation
from services.session_bridge.adapters.openclaw.conversation import began, newest
from tests.session_bridge.openclaw import HEADER

MEGABYTE = 1024 * 1024


def line(name: str, parent: str | None, text: str, role: str = "user", **more: Any) -> bytes:
    record = {
        "type": "message",
        "id": name,
        "parentId": parent,
        "timestamp": "2026-11-22T13:00:00.000Z",
        "message": {"role": role, "content": [{"type": "text", "text": text}]},
    }
    return orjson.dumps(record | more) + b"\n"


def custom(name: str, parent: str | None, kind: str = "custom", **more: Any) -> bytes:
    return orjson.dumps({"type": kind, **more, "id": name, "parentId": parent}) + b"\n"


def turns(count: int) -> Iterator[bytes]:
    for number in range(count):
        role = ("user", "assistant")[number % 2]
        yield line(f"t{number}", f"t{number - 1}" if number else None, f"turn {number}", role)


def written(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(lines))
    return path


def texts(path: Path, limit: int = 16) -> list[str]:
    return [said.text for said in newest(path, limit)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s1.jsonl"


@pytest.fixture(params=[1, 7, 64, 1000, 128 * 1024])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "_CHUNK_BYTES", request.param)


@pytest.mark.usefixtures("chunk")
def test_however_the_file_is_cut_into_reads_the_newest_turns_come_oldest_first(path: Path) -> None:
    written(path, HEADER, *turns(40))
    assert texts(path) == [f"turn {number}" for number in range(24, 40)]
    assert texts(path, 100) == [f"turn {number}" for number in range(40)]


def test_a_session_of_20_mb_is_read_only_as_far_as_its_newest_turns_go(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = (line(f"r{number}", "r", "x" * MEGABYTE, "toolResult") for number in range(20))
    written(path, HEADER, *results, *turns(1000))
    read, pread = [], os.pread

    def counted(descriptor: int, length: int, offset: int) -> bytes:
        read.append(length)
        return pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", counted)
    assert texts(path) == [f"turn {number}" for number in range(984, 1000)]
    assert path.stat().st_size > 20 * MEGABYTE
    assert sum(read) < MEGABYTE


def test_the_results_of_tools_between_two_turns_are_passed_without_being_parsed(path: Path) -> None:
    chain = ["ask", *(f"r{number}" for number in range(20))]
    results = [
        line(name, parent, "x" * MEGABYTE, "toolResult").replace(b"xxx", b'x"x')
        for parent, name in pairwise(chain)
    ]
    written(path, HEADER, line("ask", None, "Look!"), *results, line("answer", "r19", "Seen.", "assistant"))
    assert texts(path) == ["Look!", "Seen."]


def test_what_lies_very_far_back_is_not_looked_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path, HEADER, *turns(40))
    monkeypatch.setattr(conversation, "_FARTHEST_BYTES", 1000)
    assert 0 < len(texts(path, 100)) < 10


def test_a_branch_that_was_left_is_passed_over(path: Path) -> None:
    left = [line(f"b{number}", f"b{number - 1}" if number else "t1", "left") for number in range(500)]
    written(path, HEADER, *turns(2), *left, custom("c", "t1"), line("new", "c", "back again"))
    assert texts(path) == ["turn 0", "turn 1", "back again"]


@pytest.mark.parametrize(
    "torn", [b'{"type":"message","id":"x","par', line("x", "t3", "half")[:-20], b"\xff\n", b"\n\n"]
)
def test_a_torn_line_at_the_end_is_not_there(path: Path, torn: bytes) -> None:
    written(path, HEADER, *turns(4), torn)
    assert texts(path) == [f"turn {number}" for number in range(4)]
    written(path, HEADER, *turns(4), torn, b"\n", line("on", "t3", "and on"))
    assert texts(path)[-2:] == ["turn 3", "and on"]


def test_a_last_line_without_its_newline_counts(path: Path) -> None:
    written(path, HEADER, *turns(3), line("last", "t2", "the end")[:-1])
    assert texts(path, 2) == ["turn 2", "the end"]


def test_a_file_without_a_header_is_read_nevertheless(path: Path) -> None:
    written(path, *turns(3))
    assert texts(path) == ["turn 0", "turn 1", "turn 2"]
    assert began(path) is None


def test_lines_of_other_kinds_are_part_of_the_walk(path: Path) -> None:
    others = custom("m", "t1", "model_change"), custom("s", "m", data="x" * MEGABYTE)
    written(path, HEADER, *turns(2), *others, line("on", "s", "and on"))
    assert texts(path) == ["turn 0", "turn 1", "and on"]


LEAVES: Iterable[tuple[list[bytes], list[str]]] = [
    ([custom("l", "t3", "leaf", targetId="t1")], ["turn 0", "turn 1"]),
    ([custom("l", "t3", "leaf", targetId="t1"), line("n", "l", "on")], ["turn 0", "turn 1", "on"]),
    (
        [custom("l", "t3", "leaf", targetId="t1", appendParentId="t3"), line("n", "t3", "on")],
        ["turn 0", "turn 1", "on"],
    ),
    ([custom("l", "t3", "leaf", targetId=None)], []),
    ([line("side", "t3", "beside", appendMode="side")], [f"turn {number}" for number in range(4)]),
    (
        [line("side", "t3", "beside", appendMode="side"), line("n", "side", "on")],
        [*(f"turn {number}" for number in range(4)), "on"],
    ),
]


@pytest.mark.parametrize(("last", "conversation"), LEAVES)
def test_the_conversation_goes_on_from_where_the_leaf_points(
    path: Path, last: list[bytes], conversation: list[str]
) -> None:
    written(path, HEADER, *turns(4), *last)
    assert texts(path) == conversation


def test_lines_that_are_no_part_of_a_conversation_do_no_harm(path: Path) -> None:
    written(path, HEADER, line("a", None, "hi"), b"[]\n", b'{"type":"x"}\n', b'{"id":7}\n')
    assert texts(path) == ["hi"]
    written(path, line("a", None, "lost"), line("b", "nowhere", "alone"))
    assert texts(path) == ["alone"]
    written(
        path, HEADER, line("a", None, "hi"), line("x", "a", "").replace(b"x", b"\xff"), line("b", "a", "on")
    )
    assert texts(path) == ["hi", "on"]
    written(path, HEADER, line("a", None, "hi"), custom("b", "a", message=7))
    assert texts(path) == ["hi"]


def test_a_file_that_shrinks_under_the_read_is_no_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path, HEADER, *turns(4))
    monkeypatch.setattr(os, "pread", lambda *_: b"")
    assert texts(path) == []


def test_a_line_without_a_time_of_its_message_has_the_lines(path: Path) -> None:
    written(path, HEADER, line("a", None, "hi"))
    (said,) = newest(path, 1)
    assert said.at
    assert said.at.isoformat() == "2026-11-22T13:00:00+00:00"


def test_reading_leaves_the_file_as_it_was(path: Path) -> None:
    written(path, HEADER, *turns(4))
    before = path.stat()
    newest(path, 2)
    after = path.stat()
    assert (before.st_mtime_ns, before.st_ctime_ns, before.st_size) == (
        after.st_mtime_ns,
        after.st_ctime_ns,
        after.st_size,
    )
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_not_there_holds_nothing(path: Path) -> None:
    assert newest(path, 16) == []
    assert began(path) is None
