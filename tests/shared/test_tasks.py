import asyncio

import pytest
from structlog.testing import capture_logs

from shared.tasks import Tasks


async def fails() -> None:
    raise ValueError("broken")


async def test_a_task_that_fails_is_logged_by_name_and_its_siblings_go_on() -> None:
    goes_on = asyncio.Event()
    with capture_logs() as logs:
        async with Tasks() as tasks, asyncio.timeout(5):
            sibling = tasks.start(goes_on.wait(), name="sibling")
            failing = tasks.start(fails(), name="outbox")
            await asyncio.wait([failing])
            assert not sibling.done()
            goes_on.set()
            await sibling
    assert [(line["event"], line["task"]) for line in logs] == [("task_failed", "outbox")]


async def test_no_task_outlives_its_owner_and_each_may_tidy_up() -> None:
    started, tidied = asyncio.Event(), []

    async def waits() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.append(True)

    async with asyncio.timeout(5), Tasks() as tasks:
        task = tasks.start(waits(), name="waits")
        await started.wait()
    assert task.cancelled()
    assert tidied == [True]


async def test_an_owner_that_fails_takes_its_tasks_along() -> None:
    async def owns(tasks: Tasks) -> None:
        async with tasks:
            started.append(tasks.start(asyncio.Event().wait(), name="waits"))
            raise ValueError("owner")

    started: list[asyncio.Task[object]] = []
    with pytest.raises(ValueError, match="owner"):
        await owns(Tasks())
    assert started[0].cancelled()


async def test_a_task_may_end_its_siblings_without_ending_itself() -> None:
    async with asyncio.timeout(5), Tasks() as tasks:
        sibling = tasks.start(asyncio.Event().wait(), name="sibling")
        ender = tasks.start(tasks.cancel(), name="ender")
        await ender
        assert sibling.cancelled()
