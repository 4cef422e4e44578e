"""An older release's gateway enters the sessions it is asked to name into `sessions.json`."""

from pathlib import Path

import orjson
import pytest

from sandbox.app import running
from sandbox.gateway.releases import Release
from sandbox.settings import SandboxSettings
from tests.contract.gateway_client import connected

KEY = "agent:main:voice:+14155550123"


@pytest.mark.parametrize("release", ["2026.2.2", "2026.7.35"])
async def test_a_patch_enters_a_session_and_keeps_what_is_there(tmp_path: Path, release: Release) -> None:
    file = tmp_path / "sessions" / "sessions.json"
    async with running(SandboxSettings(port=0, gateway_release=release)) as sandbox:
        sandbox.gateway.sessions_json = file
        token = sandbox.world.settings.openclaw_gateway_token.get_secret_value()
        async with connected(sandbox.url, token, "operator.admin") as connection:
            made = await connection.call("sessions.patch", key=KEY, label="Phone")
            entry = orjson.loads(file.read_bytes())[KEY]
            assert (entry["sessionId"], entry["label"]) == (made["entry"]["sessionId"], "Phone")
            file.write_bytes(orjson.dumps({KEY: entry | {"sessionId": "of-old", "model": "m"}, "other": {}}))
            again = await connection.call("sessions.patch", key=KEY, label="Phone 2")
    assert again["entry"]["sessionId"] == "of-old"
    entries = orjson.loads(file.read_bytes())
    assert entries["other"] == {}
    assert entries[KEY] | {"updatedAt": 0} == {
        "sessionId": "of-old",
        "model": "m",
        "label": "Phone 2",
        "updatedAt": 0,
    }
