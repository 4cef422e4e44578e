import os
from typing import Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from services.session_bridge.keys import JOURNAL, RPC
from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import call
from tests.session_bridge.gateway import playing, token
from tests.session_bridge.openclaw import Home


async def test_all_is_well_where_everything_is_there(start: Start) -> None:
    async with TestServer(web.Application(), host="127.0.0.1") as voice_server:
        bridge = await start(voice_server_url=str(voice_server.make_url("")).rstrip("/"))
        await bridge.tell(call()[:1])
        status, health = await bridge.get("/health")
    assert (status, health["status"], health["active_calls"]) == (200, "ok", 1)
    assert {check["status"] for check in health["checks"].values()} == {"ok"}
    assert "jsonl" in health["checks"]["openclaw"]["detail"]


async def test_a_waiting_call_degrades_and_says_why(start: Start, home: Home) -> None:
    home.sessions.rmdir()
    bridge = await start()
    assert (await bridge.get("/health"))[1]["checks"]["openclaw"]["status"] == "unknown"
    await bridge.tell(call("user: hi"))
    await bridge.until_all_are("failed")
    status, health = await bridge.get("/health")
    assert (status, health["status"]) == (200, "degraded")
    assert "NOT IN OPENCLAW FOR MORE THAN A DAY: 1" in health["checks"]["openclaw"]["detail"]


async def test_a_sqlite_store_is_named_before_any_call_waits(start: Start, home: Home) -> None:
    home.become_sqlite()
    bridge = await start()
    await bridge.client.app[RPC].tried()
    check = (await bridge.get("/health"))[1]["checks"]["openclaw"]
    assert check["status"] == "failed"
    assert "No OpenClaw gateway answers" in check["detail"]
    assert "store gateway: the agent has an openclaw-agent.sqlite" in check["detail"]


async def test_session_files_elsewhere_are_told_and_no_call_counts_as_written(
    start: Start, home: Home
) -> None:
    home.configure(session={"store": "/elsewhere/{agentId}/sessions.json"})
    bridge = await start()
    check = (await bridge.get("/health"))[1]["checks"]["openclaw"]
    assert check["status"] == "failed"
    assert "take session.store out" in check["detail"]
    await bridge.tell(call("user: hi"))
    (session,) = await bridge.until_all_are("failed")
    assert "take session.store out" in session["lastError"]
    assert not list(home.sessions.iterdir())


@pytest.mark.parametrize(("provider", "status"), [("openai", "ok"), ("none", "failed")])
async def test_a_gateway_without_a_realtime_provider_is_told_before_any_call_waits(
    start: Start, provider: Literal["openai", "none"], status: str
) -> None:
    async with playing() as sandbox:
        sandbox.world.switches.gateway_provider = provider
        bridge = await start(
            openclaw_gateway_url=sandbox.url, openclaw_gateway_token=SecretStr(token(sandbox))
        )
        await bridge.client.app[RPC].tried()
        check = (await bridge.get("/health"))[1]["checks"]["openclaw"]
    assert check["status"] == status
    assert ("OPENAI_API_KEY into the gateway's environment" in check["detail"]) is (provider == "none")


async def test_session_files_of_somebody_else_are_told_before_any_call_waits(
    start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)  # root may write everywhere
    check = (await (await start()).get("/health"))[1]["checks"]["openclaw"]
    assert check["status"] == "failed"
    assert f"{home.sessions} belongs to somebody else" in check["detail"]


async def test_only_an_unusable_journal_is_unavailable(bridge: Bridge) -> None:
    await bridge.client.app[JOURNAL].database.run(lambda db: db.execute("DROP TABLE sessions"))
    status, health = await bridge.get("/health")
    assert (status, health["checks"]["journal"]["status"]) == (503, "failed")
    assert (await bridge.post("/call-event", call()[0]))[0] == 503


async def test_health_needs_no_key_and_everything_else_does(bridge: Bridge) -> None:
    for path, expected in {"/health": 200, "/sessions": 401, "/events": 401, "/nothing": 401}.items():
        async with bridge.client.get(path, headers={"Authorization": "Bearer wrong"}) as response:
            assert response.status == expected, path
