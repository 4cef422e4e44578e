"""A short soak, as `make soak` plays a long one."""

from pathlib import Path

from dev.soak.report import check, tell
from dev.soak.run import Run, soak


async def test_after_some_random_calls_every_book_is_right(tmp_path: Path) -> None:
    evidence = await soak(Run(seed=11, calls=25, parallel=8, idle_seconds=0), tmp_path)
    found = check(evidence)
    assert not any(found.values()), "\n".join(tell(evidence, found))
