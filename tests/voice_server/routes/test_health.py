"""`/health`: open to everybody, and honest."""

import sqlite3
from pathlib import Path

from sandbox.app import Sandbox
from services.voice_server import keys
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer, Start
from tests.voice_server.serving import Answer, scripted, until


async def test_a_fresh_server_is_well_and_knows_nothing_of_its_peers(server: RunningServer) -> None:
    status, answer = await server.ask("GET", "/health", key=None)
    assert (status, answer["status"], answer["active_calls"]) == (200, "ok", 0)
    assert answer["version"]
    assert {name: check["status"] for name, check in answer["checks"].items()} == {
        "openai": "unknown",
        "twilio": "unknown",
        "bridge": "unknown",
        "store": "ok",
    }
    assert all(check["detail"] for check in answer["checks"].values())


async def test_a_call_shows_that_all_are_well(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial("+14155550106")
    await bridge.until("call_answered", call_id)

    async def delivered() -> bool:
        return not await server.store.undelivered(call_id)

    await until(delivered)
    _, answer = await server.ask("GET", "/health")
    assert (answer["status"], answer["active_calls"]) == ("ok", 1)
    assert {check["status"] for check in answer["checks"].values()} == {"ok"}


async def test_a_peer_that_fails_degrades_us_and_is_named(start: Start) -> None:
    async with scripted(Answer(401)) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url)
        await server.ask("POST", "/call", {"to": OWNER})
    status, answer = await server.ask("GET", "/health")
    assert (status, answer["status"]) == (200, "degraded")
    assert answer["checks"]["twilio"]["status"] == "failed"


async def test_nothing_a_peer_says_is_shown_to_the_public(start: Start, sandbox: Sandbox) -> None:
    """`/health` needs no key, and OpenAI repeats a part of a wrong one."""
    server = await start(OPENAI_API_KEY="sk-proj-wrong")
    call_id = sandbox.phone_in(OWNER, "greeting").id

    async def failed() -> bool:
        return bool(server.app[keys.PEERS].openai.health.status == "failed")

    await until(failed)
    _, answer = await server.ask("GET", "/health", key=None)
    assert "401" in answer["checks"]["openai"]["detail"]
    assert "Incorrect API key" not in str(answer)
    assert call_id not in str(answer)


async def test_without_its_disk_no_call_can_be_served(server: RunningServer, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "data" / "voice.sqlite") as other:
        other.execute("DROP TABLE events")
    other.close()
    status, answer = await server.ask("GET", "/health")
    assert (status, answer["status"]) == (503, "degraded")
    assert "DATA_DIR" in answer["checks"]["store"]["detail"]
