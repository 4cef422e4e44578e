"""Draws the tables of the page about the sandbox: `python -m dev.tables` writes them anew."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from sandbox.faults import FAULTS
from sandbox.gateway.answers import ANSWERS
from sandbox.scripts import BY_LAST_DIGITS, SCRIPTS, for_number
from sandbox.switches import Switches

PAGE = Path(__file__).parents[1] / "docs" / "sandbox.md"


def scripts() -> str:
    """Draw `SCRIPTS`, in the order of their digits; what every other number plays comes last."""
    others = next(name for name, script in SCRIPTS.items() if for_number("99") is script)
    rows = [
        (f"`{digits}`" + ", and all others" * (name == others), f"`{name}`", SCRIPTS[name].happens)
        for digits, name in sorted(BY_LAST_DIGITS.items(), key=lambda one: (one[1] == others, one[0]))
    ]
    return _table(("digits", "script", "what happens"), rows)


def faults() -> str:
    """Draw `FAULTS`, in the order of their digits."""
    rows = [
        (fault.digits, f"`{name}`", fault.happens, f"`{fault.script}`")
        for name, fault in sorted(FAULTS.items(), key=lambda one: one[1].digits)
    ]
    return _table(("digits", "fault", "what happens", "script"), rows)


def switches() -> str:
    """Draw `Switches`: each with its values, the first one it has marked, and what it decides."""
    types, defaults = get_type_hints(Switches), asdict(Switches())
    told = re.findall(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", Switches.__doc__ or "", re.MULTILINE)
    meanings = {name: re.sub(r"\s+", " ", text) for name, text in told}
    rows = [
        (f"`{name}`", f"`{_json(default)}`", _others(types[name], default), meanings[name])
        for name, default in defaults.items()
    ]
    return _table(("switch", "at first", "or", "what it decides"), rows)


def answers() -> str:
    """Draw `ANSWERS`: what a question has to speak of, how long the agent works on it, and what it says."""
    rows = [
        (
            ", ".join(f"`{word}`" for word in answer.about.split("|")),
            "`agent_seconds`" if answer.seconds is None else f"{answer.seconds:g}",
            _shortened(answer.text) + f" (trouble: `{answer.trouble}`)" * (answer.trouble != "none"),
        )
        for answer in ANSWERS
    ]
    return _table(("a question about", "seconds", "the answer"), rows)


_TABLES = {"scripts": scripts, "faults": faults, "switches": switches, "answers": answers}


def page_with_tables(page: str) -> str:
    """Put the tables between their marks in a page."""
    for name, draw in _TABLES.items():
        begin = f"<!-- {name}: drawn by `python -m dev.tables` -->\n"
        end = f"<!-- end of {name} -->\n"
        before, _, rest = page.partition(begin)
        page = before + begin + draw() + end + rest.partition(end)[2]
    return page


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _others(kind: Any, default: Any) -> str:
    if kind is bool:
        return f"`{_json(not default)}`"
    if get_origin(kind) is Literal:
        return ", ".join(f"`{_json(value)}`" for value in get_args(kind) if value != default)
    return "any order" if get_origin(kind) is tuple else "any number"


def _shortened(text: str) -> str:
    first, *more = text.split("\n")
    if not more:
        return text or "nothing"
    return f"{first.strip('# ')} … ({len(text):,} characters in {len(more) + 1} lines of markdown)"


def _json(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(value) if isinstance(value, tuple) else f"{value}" or '""'


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
