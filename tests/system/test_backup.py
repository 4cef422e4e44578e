"""A backup of both services, taken while a call runs, is worth something: they go on from it."""

from pathlib import Path

from dev.stack import Program
from tests.system.conftest import Stack, a_stack

ENDLESS = "+14155550106"
"""A person who talks until somebody hangs up."""


async def restore(stack: Stack, backup: Path) -> None:
    """Let both services die, and live again with what a backup has."""
    for program in (stack.voice, stack.bridge):
        if program.process and program.process.returncode is None:
            program.process.kill()
            await program.process.wait()
    places = {"DATA_DIR": str(backup / "data"), "CONFIG_DIR": str(backup / "config")}
    for program in (stack.bridge, stack.voice):
        program.environment = {**program.environment, **places}
        await program.start()


async def test_a_backup_taken_during_a_call_goes_on_with_it_and_ends_it(tmp_path: Path) -> None:
    backup = tmp_path / "backups" / "today"

    def change(programs: list[Program]) -> None:
        for program in programs:
            program.environment = {**program.environment, "DATA_DIR": str(tmp_path / "kept")}

    async with a_stack(tmp_path, 8, change) as stack:
        before = await stack.call()
        await stack.until_synced(before)
        call_id = await stack.call(ENDLESS)
        await stack.until_said(call_id, 4)
        said = await stack.turns(call_id)
        status, told, _ = await stack.command("backup", str(backup))
        assert status == 0
        assert "config/agent.json" in told
        assert "data/bridge.sqlite, data/voice.sqlite" in told
        await stack.until_said(call_id, len(said) + 4)

        await restore(stack, backup)
        assert (await stack.turns(call_id))[: len(said)] == said
        assert len(await stack.turns(before)) == 8
        async with stack.http.delete(f"{stack.voice.url}/call/{call_id}") as answer:
            assert (await answer.json())["status"] == "completed"
        await stack.until_synced(call_id)
        turns = await stack.turns(call_id)
        call = await stack.get(f"{stack.voice.url}/history/{call_id}")
        assert (call["status"], call["end_reason"]) == ("completed", "hung_up_by_request")
        written = [text.removesuffix(" …[interrupted]") for _, text in stack.written()]
        assert written[8 : 8 + len(turns)] == turns
        assert written[8 + len(turns) :] in ([], ["(The call ended.)"])
        sessions = (await stack.get(f"{stack.bridge.url}/sessions"))["sessions"]
        assert [one["state"] for one in sessions] == ["synced", "synced"]


async def test_a_backup_of_stopped_services_is_the_same_and_none_is_written_over(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    async with a_stack(tmp_path, 8) as stack:
        call_id = await stack.call()
        await stack.until_synced(call_id)
        turns = await stack.turns(call_id)
        for program in (stack.voice, stack.bridge):
            await program.stop()
        assert (await stack.command("backup", str(backup)))[0] == 0
        status, _, complaint = await stack.command("backup", str(backup))
        assert (status, complaint.strip()) == (
            4,
            f"{backup} is not empty; name a folder that does not exist yet",
        )
        await restore(stack, backup)
        assert await stack.turns(call_id) == turns
