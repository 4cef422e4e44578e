"""Faults that wait for the next calls, whatever number those go to."""

from itertools import groupby

from sandbox import scripts
from sandbox.steps import Script


class Armed:
    """Hold faults, one for each call to come; the first armed is the first to strike."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def arm(self, fault: str, calls: int) -> None:
        """Let a fault strike so many calls, after those that wait already."""
        self._names += [fault] * calls

    def disarm(self) -> None:
        """Let the calls to come go well."""
        self._names.clear()

    def script(self, chosen: Script) -> Script:
        """Give a new call its script: the one chosen, or that of the fault which waits for it."""
        return scripts.with_fault(self._names.pop(0)) if self._names else chosen

    def as_json(self) -> list[dict[str, str | int]]:
        """List what waits, in order."""
        return [{"fault": name, "calls": len(list(same))} for name, same in groupby(self._names)]
