"""A call of somebody who has OpenClaw, and no gateway that runs: their agent is asked by its command."""

import json
import stat
import sys
from pathlib import Path

import pytest

from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, Start
from tests.voice_server.serving import free_port


def openclaw(folder: Path, says: str) -> None:
    """Install a command that answers so if it is told whose agent it is, and no secret of the phone's."""
    folder.mkdir()
    command = folder / "openclaw"
    command.write_text(
        f"#!{sys.executable}\n"
        "import json, os\n"
        f"knows_whose = os.environ['OPENCLAW_STATE_DIR'] == {str(folder.parent / 'openclaw')!r}\n"
        "if knows_whose and 'TWILIO_AUTH_TOKEN' not in os.environ:\n"
        f"    print(json.dumps({{'payloads': [{{'text': {says!r}}}], 'meta': {{'aborted': False}}}}))\n",
        encoding="utf-8",
    )
    command.chmod(stat.S_IRWXU)


async def test_without_a_gateway_the_agent_is_asked_by_command(
    start: Start, bridge: RecordingBridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openclaw").mkdir()
    nowhere = {"gateway": {"port": free_port()}}
    (tmp_path / "openclaw" / "openclaw.json").write_text(json.dumps(nowhere), encoding="utf-8")
    openclaw(tmp_path / "bin", says="Two appointments.")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "never to be seen")
    server = await start(OPENCLAW_GATEWAY_URL="", OPENCLAW_GATEWAY_TOKEN="")
    call_id = await server.dial(OWNER)
    await bridge.until("tool_finished", call_id)
    (finished,) = (
        event["data"]
        for event in bridge.of(call_id)
        if event["data"].get("name") == "ask_openclaw" and "ok" in event["data"]
    )
    assert (finished["ok"], finished["output"]) == (True, "Two appointments.")
