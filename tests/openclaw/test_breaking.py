"""Whatever breaks in between, what was said is there once, and what is typed meanwhile is answered."""

import asyncio
from pathlib import Path

import pytest

from tests.openclaw.bridge import OWNER, Bridge
from tests.openclaw.install import Installed
from tests.openclaw.model import Model
from tests.openclaw.openclaw import OpenClaw
from tests.openclaw.person import Person
from tests.openclaw.test_remembering import CALL, LATER, check

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_call_that_ends_while_the_agent_thinks_waits_for_its_answer(
    person: Person, bridge: Bridge, model: Model
) -> None:
    await person.types("Hello.")
    events = person.events(*CALL)
    async with asyncio.TaskGroup() as tasks:
        with model.held():
            turn = tasks.create_task(person.types("Think hard."))
            await model.asked("Think hard.")
            await bridge.tell(events)
            status, answer = await bridge.sync(events[0]["callId"])
            assert (status, answer["success"]) == (202, False)
    check(turn.result(), "user: Hello.", "user: Think hard.")
    await bridge.synced(events[0]["callId"])
    request = await person.types("What did I say?")
    check(request, "user: Hello.", "user: Think hard.", *CALL, "user: What did I say?")


async def test_a_bridge_killed_between_journal_and_write_writes_once(
    person: Person, bridge: Bridge, model: Model
) -> None:
    await person.types("Hello.")
    events = person.events(*CALL)
    async with asyncio.TaskGroup() as tasks:
        with model.held():
            tasks.create_task(person.types("Think hard."))
            await model.asked("Think hard.")
            await bridge.tell(events)
            await bridge.kill()
    await bridge.start()
    await bridge.synced(events[0]["callId"])
    check(await person.types("Hm?"), "user: Hello.", "user: Think hard.", *CALL, "user: Hm?")


async def test_a_bridge_killed_as_the_call_ends_writes_once(person: Person, bridge: Bridge) -> None:
    events = person.events(*CALL)
    await bridge.tell(events)
    await bridge.kill()
    await bridge.start()
    await bridge.synced(events[0]["callId"])
    check(await person.types("Hm?"), *CALL, "user: Hm?")


async def test_a_call_that_ends_while_openclaw_is_down_is_there_when_it_is_back(
    person: Person, bridge: Bridge, openclaw: OpenClaw
) -> None:
    await person.types("Hello.")
    events = [*person.events(*CALL), *person.events(*LATER)]
    await openclaw.stop()
    await bridge.tell(events)
    await openclaw.start()
    await bridge.synced(events[0]["callId"])
    await bridge.synced(events[-1]["callId"])
    check(await person.types("Hm?"), "user: Hello.", *CALL, *LATER, "user: Hm?")


async def test_a_call_is_there_where_no_gateway_runs(
    files_release: Installed, model: Model, model_url: str, tmp_path: Path
) -> None:
    openclaw = OpenClaw(files_release, tmp_path, model_url)
    bridge = Bridge(openclaw, tmp_path)
    person = Person(bridge, openclaw, model, OWNER)
    await openclaw.local_turn("Hello.")
    await bridge.start()
    try:
        await person.calls(*CALL)
    finally:
        await bridge.stop()
    await openclaw.local_turn("Hm?")
    check(await model.asked("Hm?"), "user: Hello.", *CALL, "user: Hm?")
