from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.openclaw_includes import IncludeError, Reader


def resolved(folder: Path, main: str, /, **files: str) -> Any:
    """Read a configuration and the files beside it, named without their ending."""
    for name, text in {"openclaw": main, **files}.items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return Reader(("session", "gateway"), lambda _: None).read(folder / "openclaw.json")


@pytest.mark.parametrize(
    ("main", "other", "whole"),
    [
        ('{session: {$include: "./other.json"}}', "{a: 1}", {"session": {"a": 1}}),
        ('{session: {$include: "other.json", b: 2}}', "{a: 1}", {"session": {"a": 1, "b": 2}}),
        ('{session: {$include: "other.json", a: 2}}', "{a: 1}", {"session": {"a": 2}}),
        (
            '{session: {$include: "other.json", a: {c: 2}}}',
            "{a: {b: 1}}",
            {"session": {"a": {"b": 1, "c": 2}}},
        ),
        ('{session: {$include: "other.json", a: [2]}}', "{a: [1]}", {"session": {"a": [1, 2]}}),
        ('{session: [{$include: "other.json"}, 2]}', "1", {"session": [1, 2]}),
        ('{$include: "other.json", gateway: 1}', "{session: 2, agents: 3}", {"session": 2, "gateway": 1}),
        ("{session: {$include: []}}", "", {"session": {}}),
    ],
)
def test_what_is_included_lies_under_what_is_beside_it(
    tmp_path: Path, main: str, other: str, whole: object
) -> None:
    assert resolved(tmp_path, main, other=other) == whole


def test_of_several_files_the_later_lies_over_the_earlier(tmp_path: Path) -> None:
    main = '{session: {$include: ["./a.json", "./b.json"]}}'
    whole = resolved(tmp_path, main, a="{x: 1, y: {p: 1}}", b="{x: 2, y: {q: 2}}")
    assert whole == {"session": {"x": 2, "y": {"p": 1, "q": 2}}}


def test_a_path_starts_at_the_file_it_stands_in(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.json5").write_text('{$include: "../b.json"}', encoding="utf-8")
    whole = {"session": 1, "gateway": 2}
    assert resolved(tmp_path, '{$include: "parts/a.json5"}', b=orjson.dumps(whole).decode()) == whole
    absolute = f'{{session: {{$include: "{tmp_path}/b.json"}}}}'
    assert resolved(tmp_path, absolute) == {"session": whole}


def test_what_nobody_wants_need_not_be_there(tmp_path: Path) -> None:
    assert resolved(tmp_path, '{session: 1, agents: {$include: "./not-there.json"}}') == {"session": 1}


@pytest.mark.parametrize(
    ("included", "fault"),
    [
        (
            '"./not-there.json"',
            r"openclaw\.json includes .*not-there\.json, which cannot be read \(No such file",
        ),
        ('"./a.json"', r"b\.json includes .*a\.json, which includes it in turn"),
        ('"./broken.json"', r"broken\.json: "),
        ('"./list.json", x: 1', r"openclaw\.json: what \$include names must be an object"),
        ("1", r"openclaw\.json: \$include must be a path or a list of paths"),
        ("[1]", r"openclaw\.json: \$include must be a path or a list of paths"),
    ],
)
def test_what_cannot_be_had_is_named(tmp_path: Path, included: str, fault: str) -> None:
    files = {"a": '{$include: "./b.json"}', "b": '{$include: "./a.json"}', "broken": "{", "list": "[]"}
    with pytest.raises(IncludeError, match=fault):
        resolved(tmp_path, f"{{session: {{$include: {included}}}}}", **files)


def test_ten_files_may_include_each_other_as_in_openclaw(tmp_path: Path) -> None:
    chain = {f"f{n}": f'{{$include: "./f{n + 1}.json"}}' for n in range(1, 10)}
    assert resolved(tmp_path, '{session: {$include: "./f1.json"}}', **chain, f10="{}") == {"session": {}}
    with pytest.raises(IncludeError, match=r"f10\.json includes .*f11\.json: .* more than 10 files deep"):
        resolved(tmp_path, '{session: {$include: "./f1.json"}}', f10='{$include: "./f11.json"}', f11="{}")
