"""Every promise of `docs/conformance.md` names the tests that prove it, and they exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "conformance.md"
TEST = re.compile(r"\[(?P<path>[^\]:]+)::(?P<name>test_\w+)\]\((?P<link>[^)]+)\)")
ROW = re.compile(r"^\| (?P<peer>[A-Z])(?P<number>\d+) \|(?P<cells>.*)\|$", re.MULTILINE)

LAST = {"O": 43, "T": 50}
"""How many promises there are about each peer: O is OpenAI, T is Twilio."""

LEFT_OUT = {"O40", *(f"T{number}" for number in range(37, 45))}
"""The promises about what we do not use."""


def rows() -> dict[str, str]:
    """Read each promise's cells by its number, in the order of the page."""
    text = PAGE.read_text(encoding="utf-8")
    return {row["peer"] + row["number"]: row["cells"] for row in ROW.finditer(text)}


@cache
def defined_in(path: Path) -> frozenset[str]:
    """Name the tests that a file holds."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions)


@pytest.mark.parametrize("number", rows())
def test_a_promise_is_proved_by_tests_that_exist(number: str) -> None:
    tests = list(TEST.finditer(rows()[number]))
    assert tests, "no test is named"
    for test in tests:
        assert test["link"] == f"../tests/{test['path']}"
        assert test["name"] in defined_in(ROOT / "tests" / test["path"])


def test_no_promise_is_missing_but_those_the_page_says_are_left_out() -> None:
    numbered = [f"{peer}{number}" for peer, last in LAST.items() for number in range(1, last + 1)]
    kept = [number for number in rows() if number[0] in LAST]
    assert kept == [number for number in numbered if number not in LEFT_OUT]
    assert set(re.findall(r"\b[A-Z]\d+\b", PAGE.read_text(encoding="utf-8"))) - set(rows()) >= LEFT_OUT
