"""What a look at the set-up finds: each prerequisite is well or not, and if not, what to do next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a prerequisite is: `unknown` could not be seen, `skipped` waits for an earlier one."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one prerequisite is, what was found, and the next step where there is one."""

    state: State
    found: str
    next_step: str = ""


def ok(found: str, remark: str = "") -> Finding:
    """Say that it is well, and what was seen; a remark is worth knowing all the same."""
    return Finding(State.OK, found, remark)


def bad(found: str, next_step: str) -> Finding:
    """Say what is wrong, and the exact next step."""
    return Finding(State.BAD, found, next_step)


def unknown(found: str, next_step: str = "") -> Finding:
    """Say why it cannot be seen, and how to find out."""
    return Finding(State.UNKNOWN, found, next_step)


def first_fault(faults: Iterable[tuple[object, str]]) -> str | None:
    """Of several faults, each with whether it is there, give the first that is."""
    return next((text for is_there, text in faults if is_there), None)


def blocked(needs: tuple[str, ...], earlier: Mapping[str, Finding]) -> Finding | None:
    """Tell whether a look has to wait for an earlier one that is not well; None if it has not."""
    wanting = [name for name in needs if earlier[name].state is not State.OK]
    return Finding(State.SKIPPED, f"first comes: {', '.join(wanting)}") if wanting else None


def exit_status(findings: Mapping[str, Finding]) -> int:
    """Give the exit status: 1 if anything is bad, 2 if something could not be seen, else 0."""
    states = {finding.state for finding in findings.values()}
    return 1 if State.BAD in states else 2 if State.UNKNOWN in states else 0
