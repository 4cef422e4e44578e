"""What an owner writes is at hand for a call a second later, as a real OpenClaw tells of it by itself."""

import time

import pytest

from services.session_bridge.domain.release import SQLITE
from tests.openclaw.bridge import OWNER, Bridge
from tests.openclaw.conftest import Meet
from tests.session_bridge.waiting import until

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.releases(are=lambda release: release >= SQLITE),
]

MAIN = "agent:main:main"


async def test_what_an_owner_said_and_then_typed_is_told_within_50_ms(meet: Meet, bridge: Bridge) -> None:
    owner = meet(OWNER)
    await owner.calls("user: My boat is called Argo.", "assistant: Argo it is.")
    assert (await bridge.context(MAIN))[-2:] == ["user: My boat is called Argo.", "assistant: Argo it is."]
    await owner.types("My bicycle is called Rosinante.")

    async def told() -> bool:
        began = time.monotonic()
        turns = await bridge.context(MAIN)
        return "user: My bicycle is called Rosinante." in turns[-2:] and time.monotonic() - began < 0.05

    await until(told, 1)
