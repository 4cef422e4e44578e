"""A short soak, as `make soak` plays a long one."""

from pathlib import Path

from dev.soak.expected import HARMLESS, NOT_PLACED
from dev.soak.report import check, tell
from dev.soak.run import Run, soak


async def test_after_some_random_calls_every_book_is_right(tmp_path: Path) -> None:
    # Only faults whose price is known: one that is new is tried in `make soak`, not in everybody's tests.
    run = Run(seed=11, calls=25, parallel=8, faults=HARMLESS | NOT_PLACED.keys(), idle_seconds=0)
    evidence = await soak(run, tmp_path)
    found = check(evidence)
    assert not any(found.values()), "\n".join(tell(evidence, found))
