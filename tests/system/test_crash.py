"""The bridge as a process that dies, short: `make crash` kills it hundreds of times and at every line."""

from pathlib import Path

import pytest

from dev.crash import kills, lines

STORES = ("jsonl", "gateway")


@pytest.mark.parametrize("store", STORES)
async def test_killed_at_random_moments_every_call_comes_into_openclaw_once_and_in_order(
    store: str, tmp_path: Path
) -> None:
    outcome = await kills.run(store, 7, 1, tmp_path)
    assert outcome.is_right, outcome
    assert sum(outcome.moments.values()) >= 7
    assert f"{outcome.calls} calls: 0 lost, 0 doubled, 0 out of order, 0 not written yet" in outcome.report


@pytest.mark.parametrize("store", STORES)
async def test_dead_on_the_way_into_openclaw_a_call_comes_in_with_the_next_life(
    store: str, tmp_path: Path
) -> None:
    outcome = await lines.run(store, "put away before the next life", range(75, 400, 75), tmp_path)
    assert outcome.is_right, outcome
    assert outcome.moments["on its way"] >= 3
