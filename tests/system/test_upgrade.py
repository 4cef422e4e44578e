"""What docs/operations.md promises of stopping and starting while people talk."""

from pathlib import Path

from dev.programs import OWNER
from dev.stack import Program
from tests.system.conftest import a_stack
from tests.system.test_a_whole_call import TALK

BUSY = "+14155550104"
"""Somebody who is on the phone already: a call to them has no words."""


def patient(programs: list[Program]) -> None:
    for program in programs:
        program.environment = {**program.environment, "DRAIN_SECONDS": "60"}


async def test_a_voice_server_that_may_drain_long_enough_ends_with_its_last_call_and_takes_no_other(
    tmp_path: Path,
) -> None:
    async with a_stack(tmp_path, 8, patient) as stack:
        call_id = await stack.call()
        await stack.until_said(call_id, 1)
        assert stack.voice.process
        stack.voice.process.terminate()

        async def refuses() -> bool:
            async with stack.http.post(f"{stack.voice.url}/call", json={"to": BUSY}) as answer:
                return answer.status == 503

        await stack.until(refuses)
        await stack.voice.process.wait()
        assert stack.voice.process.returncode == 0
        await stack.voice.start()
        await stack.until_synced(call_id)

        assert stack.written() == TALK


async def test_a_bridge_that_is_restarted_in_mid_call_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with a_stack(tmp_path, 8) as stack:
        call_id = await stack.call()
        await stack.until_said(call_id, 2)
        await stack.bridge.stop()
        await stack.bridge.start()
        await stack.until_synced(call_id)

        assert stack.written() == TALK


async def test_who_calls_through_the_trunk_while_the_voice_server_is_away_is_answered_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with a_stack(tmp_path, 8) as stack:
        await stack.voice.stop()
        calling = {"from": OWNER, "script": "talk"}
        url = f"http://{stack.sandbox.host}:{stack.sandbox.port}/sandbox/calls"
        async with stack.http.post(url, json=calling) as answer:
            assert answer.status // 100 == 2, await answer.text()
        await stack.voice.start()

        async def answered() -> bool:
            calls = (await stack.get(f"{stack.voice.url}/history"))["calls"]
            return [(call["direction"], call["status"]) for call in calls] == [("inbound", "completed")]

        await stack.until(answered)
