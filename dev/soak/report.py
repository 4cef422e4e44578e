"""Tell how the books stand."""

from collections import Counter
from collections.abc import Iterable

from dev.soak import books, logbook, tools, turns
from dev.soak.books import Book, Wrong
from dev.soak.evidence import Evidence, ids
from shared.events import Usage

BOOKS: dict[str, Book] = {
    "calls": books.placed,
    "ends": books.ends,
    "turns": turns.turns,
    "tools": tools.tools,
    "quiet": books.quiet,
    "gauges": books.gauges,
    "sockets": books.sockets,
    "usage": books.usage,
    "logs": logbook.logs,
}

_SHOWN_PER_BOOK = 12
_LINES_PER_CALL = 24


def check(evidence: Evidence) -> dict[str, list[Wrong]]:
    """Go through every book."""
    return {name: list(book(evidence)) for name, book in BOOKS.items()}


def tell(evidence: Evidence, found: dict[str, list[Wrong]]) -> Iterable[str]:
    """Word the report, line by line: a table, then what is wrong with the log of each call concerned."""
    counted = _counts(evidence)
    for name, wrong in found.items():
        promise = (BOOKS[name].__doc__ or "").splitlines()[0]
        verdict = f"{len(wrong)} wrong" if wrong else "right"
        yield f"  {name:8} {verdict:>9}  {promise} {counted.get(name, '')}".rstrip()
    for name, wrong in found.items():
        for one in wrong[:_SHOWN_PER_BOOK]:
            yield f"\n{name}: {one.call_id or 'no one call'} {one.what}"
            if one.call_id:
                yield from _about(evidence, one.call_id)
        if len(wrong) > _SHOWN_PER_BOOK:
            yield f"\n{name}: … and {len(wrong) - _SHOWN_PER_BOOK} more"


def _counts(evidence: Evidence) -> dict[str, str]:
    endings = Counter(call["status"] for call in evidence.history.values())
    used = sum((Usage(**call["usage"]) for call in evidence.history.values()), Usage())
    tokens = sum(value for name, value in used.model_dump().items() if name.endswith("tokens"))
    cost = sum(call["cost_usd"] or 0 for call in evidence.history.values())
    said = sum(len(call["transcript"]) for call in evidence.history.values())
    warnings = sum(line.fields.get("level") == "warning" for line in evidence.logs)
    spoken, told = turns.missed(evidence)
    killed = "".join(f", {name} killed {times} times" for name, times in Counter(evidence.killed).items())
    return {
        "calls": f"{len(evidence.played)} played{killed}",
        "ends": ", ".join(f"{number} {status}" for status, number in endings.most_common()),
        "turns": f"{said} turns; {spoken} more were spoken, {told} of them told",
        "usage": f"{tokens} tokens, ${cost:.2f}",
        "logs": f"{warnings} planned warnings",
    }


def _about(evidence: Evidence, call_id: str) -> Iterable[str]:
    plan = evidence.plan_of(call_id)
    yield f"    planned: {plan.what if plan else 'nothing of the kind'}"
    names = ids(evidence.at_the_sandbox.get(call_id, {})) | {call_id}
    lines = [line for line in evidence.logs if any(name in line.text for name in names)]
    if len(lines) > _LINES_PER_CALL:
        yield "    …"
    for line in lines[-_LINES_PER_CALL:]:
        yield f"    {line.program}: {line.text}"
