from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import CALL, NUMBER, call
from tests.session_bridge.openclaw import Home
from tests.session_bridge.waiting import until


async def test_sessions_are_listed_newest_first_with_what_became_of_them(bridge: Bridge) -> None:
    await bridge.tell(call("user: hi", "assistant: hello"))
    await bridge.until_all_are("synced")
    await bridge.tell(call(call_id="CA2")[:1])
    newest, oldest = await bridge.sessions()
    assert newest["callId"] == "CA2"
    assert oldest == {
        "sessionKey": f"agent:main:voice:direct:{NUMBER}",
        "callId": CALL,
        "phoneNumber": NUMBER,
        "direction": "inbound",
        "startedAt": "2026-11-22T14:03:12.204Z",
        "turns": 2,
        "state": "synced",
        "lastError": None,
        "overdue": False,
    }


async def test_a_state_filters_and_an_unknown_one_is_refused(bridge: Bridge) -> None:
    await bridge.tell(call()[:1])
    assert len(await bridge.sessions("?state=active")) == 1
    await bridge.tell(call(call_id="CA2")[:1])
    assert [session["callId"] for session in await bridge.sessions("?limit=1")] == ["CA2"]
    assert await bridge.sessions("?state=failed") == []
    status, problem = await bridge.get("/sessions?state=lost")
    assert status == 422
    assert "must be 'active', 'syncing', 'synced' or 'failed'" in problem["detail"]


async def test_one_call_can_be_asked_for_by_the_id_its_events_have(bridge: Bridge) -> None:
    await bridge.tell(call()[:1])
    await bridge.tell(call(call_id="CA2")[:1])
    assert [session["callId"] for session in await bridge.sessions(f"?callId={CALL}")] == [CALL]
    assert len(await bridge.sessions(f"?callId={CALL}&state=active")) == 1
    assert await bridge.sessions(f"?callId={CALL}&state=synced") == []
    assert await bridge.sessions("?callId=CA3") == []
    assert (await bridge.get("/sessions?callId=../x"))[0] == 422


async def test_a_call_asked_for_says_why_it_is_not_in_openclaw(start: Start, home: Home) -> None:
    home.sessions.rmdir()
    bridge = await start()
    await bridge.tell(call("user: hi"))

    async def told() -> bool:
        (session,) = await bridge.sessions(f"?callId={CALL}")
        return "no OpenClaw to be seen" in (session["lastError"] or "")

    await until(told)
