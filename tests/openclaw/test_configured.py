"""Whatever a person's `openclaw.json` says: what was said on the phone is there, or waits and says why."""

import shutil
from pathlib import Path

import pytest

from tests.openclaw.bridge import OWNER, Bridge
from tests.openclaw.install import Installed
from tests.openclaw.model import Model
from tests.openclaw.openclaw import OpenClaw
from tests.openclaw.person import Person
from tests.openclaw.test_remembering import CALL, LATER, check

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_very_first_may_be_said_on_the_phone_and_an_owners_call_is_where_an_included_rule_says(
    release: Installed, model: Model, model_url: str, tmp_path: Path
) -> None:
    openclaw = OpenClaw(release, tmp_path, model_url)
    openclaw.configure(session={"$include": "./session.json5"})
    (openclaw.state_dir / "session.json5").write_text("{dmScope: 'per-peer'}", encoding="utf-8")
    bridge = Bridge(openclaw, tmp_path)
    guest, owner = Person(bridge, openclaw, model), Person(bridge, openclaw, model, OWNER)
    async with openclaw.running():
        await bridge.start()
        try:
            await guest.calls(*CALL)
            await owner.calls(*LATER)
        finally:
            await bridge.stop()
        assert owner.key.endswith(OWNER)
        check(await guest.types("Hm?"), *CALL, "user: Hm?")
        check(await owner.types("Hm?"), *LATER, "user: Hm?")


async def test_a_call_waits_as_long_as_session_files_are_kept_elsewhere(
    files_release: Installed, model: Model, model_url: str, tmp_path: Path
) -> None:
    openclaw = OpenClaw(files_release, tmp_path, model_url)
    openclaw.configure(session={"store": f"{tmp_path}/elsewhere/{{agentId}}/sessions.json"})
    bridge = Bridge(openclaw, tmp_path)
    person = Person(bridge, openclaw, model, OWNER)
    person.key = "agent:main:main"
    events = person.events(*CALL)
    await bridge.start()
    try:
        async with openclaw.running():
            await person.types("Hello.")
            await bridge.tell(events)
            status, answer = await bridge.sync(events[0]["callId"])
            assert (status, answer["success"]) == (202, False)
            session = await bridge.session(events[0]["callId"])
            assert "take session.store out" in session["lastError"]
        shutil.copytree(
            tmp_path / "elsewhere" / "main",
            openclaw.state_dir / "agents" / "main" / "sessions",
            dirs_exist_ok=True,
        )
        openclaw.configure()
        async with openclaw.running():
            await bridge.synced(events[0]["callId"])
            check(await person.types("Hm?"), "user: Hello.", *CALL, "user: Hm?")
    finally:
        await bridge.stop()
