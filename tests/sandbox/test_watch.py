import asyncio

import pytest

from sandbox.watch import Watch
from shared.tasks import Tasks


async def test_whoever_waits_is_woken_when_the_fact_holds() -> None:
    watch, facts = Watch(), []

    async def become_true() -> None:
        for number in range(3):
            facts.append(number)
            watch.changed()
            await asyncio.sleep(0)

    async with Tasks() as tasks:
        tasks.start(become_true(), name="facts")
        await watch.until(lambda: len(facts) == 3)


async def test_a_fact_that_never_holds_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        await Watch().until(lambda: False, within=0.01)
