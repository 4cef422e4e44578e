"""The verdict on a call that has ended: is what was said in it in OpenClaw, once, in order?"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands in OpenClaw of a block.

    Attributes:
        wanted: the ids it should have there, in order.
        seen: those the agent sees, or saw before the conversation was reset, in order, repeats included.
        beside: those that stand where the agent does not look.
        removed: what OpenClaw or the user removed, if that can be told; empty if nothing.
    """

    wanted: tuple[str, ...]
    seen: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    removed: str = ""


class Finding(StrEnum):
    """What can be found of a call."""

    LOST = "lost"
    DOUBLED = "doubled"
    OUT_OF_ORDER = "out of order"
    NOT_COMPARED = "not compared"
    NOT_WRITTEN_YET = "not written yet"
    REMOVED = "removed since"


FAULTS = (Finding.LOST, Finding.DOUBLED, Finding.OUT_OF_ORDER)

Verdict = dict[Finding, str]
"""Findings, each with what there is to say of it; none if all is well."""


def judge(kept: Kept, *, is_synced: bool) -> Verdict:
    """Compare what a block should have in OpenClaw with what stands there.

    What is not there is lost only if the call counts as written and its conversation still stands.
    """
    verdict: Verdict = {}
    times = Counter(kept.seen + kept.beside)
    missing = [name for name in kept.wanted if name not in kept.seen]
    if not is_synced:
        verdict[Finding.NOT_WRITTEN_YET] = f"{len(kept.wanted) - len(missing)} of {len(kept.wanted)} there"
    elif kept.removed:
        verdict[Finding.REMOVED] = kept.removed
    elif missing:
        beside = len(set(missing) & set(kept.beside))
        where = f", {beside} of them beside the conversation's path, where the agent does not see them"
        verdict[Finding.LOST] = f"{len(missing)} of {len(kept.wanted)}{where * bool(beside)}"
    if doubled := [name for name in kept.wanted if times[name] > 1]:
        verdict[Finding.DOUBLED] = f"{len(doubled)} of {len(kept.wanted)}"
    firsts = [name for name in dict.fromkeys(kept.seen) if name in kept.wanted]
    if firsts != [name for name in kept.wanted if name in firsts]:
        verdict[Finding.OUT_OF_ORDER] = f"{len(firsts)} messages"
    return verdict
