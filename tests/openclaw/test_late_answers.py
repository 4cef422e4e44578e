"""An answer that comes after its call reaches the owner through the real Telegram channel of OpenClaw."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.session_bridge.domain.release import Release
from tests.openclaw.bridge import OWNER, Bridge
from tests.openclaw.install import Installed
from tests.openclaw.model import Json, Model
from tests.openclaw.openclaw import TURN_SECONDS, OpenClaw
from tests.openclaw.telegram import Telegram
from tests.session_bridge.calls import call, kept
from tests.session_bridge.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

LETS_TELEGRAM_BE_ELSEWHERE: Release = (2026, 7, 35)
CALL = "CA000000000000000000000000000000ff"


@pytest.mark.releases(are=lambda release: release >= LETS_TELEGRAM_BE_ELSEWHERE)
async def test_a_late_answer_goes_once_and_as_it_is_to_where_the_owner_last_wrote(
    release: Installed, model: Model, model_url: str, tmp_path: Path
) -> None:
    telegram = Telegram()
    openclaw = OpenClaw(release, tmp_path, model_url)
    bridge = Bridge(openclaw, tmp_path)

    async def received(count: int) -> bool:
        return len(telegram.received) >= count

    async with telegram.serving():
        openclaw.configure(channels=telegram.channels)
        async with openclaw.running():
            await telegram.write("Hello.")
            await until(lambda: received(1), TURN_SECONDS)
            asked = len(model.requests)
            await bridge.start()
            try:
                await bridge.tell(late_answer("At **9:10**."))
                await until(lambda: received(2), TURN_SECONDS)
            finally:
                await bridge.stop()
    assert telegram.received[1:] == ["You asked on the phone: A flight?\n\nAt <b>9:10</b>."]
    assert len(model.requests) == asked


def late_answer(text: str) -> list[Json]:
    """Make the events of a call of the owner's that ended before the agent's answer."""
    tool = {"toolCallId": "t1", "name": "ask_openclaw"}
    begun, ended = call(call_id=CALL, number=OWNER)
    events = [
        begun,
        kept(CALL, 2, "tool_started", tool | {"arguments": '{"request": "A flight?"}'}, OWNER),
        ended | {"sequence": 3},
        kept(CALL, 4, "tool_finished", tool | {"ok": True, "output": text, "durationSeconds": 60}, OWNER),
    ]
    return [event | {"timestamp": datetime.now(UTC).isoformat()} for event in events]
