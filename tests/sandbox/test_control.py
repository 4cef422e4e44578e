from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType

from sandbox.app import Sandbox
from sandbox.faults import FAULTS
from sandbox.gateway.deliveries import Sent
from sandbox.gateway.memory import Row
from sandbox.gateway.releases import Release
from sandbox.scripts import with_fault
from tests.sandbox.voice_server import VoiceServer


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[ClientSession]:
    async with ClientSession(f"{sandbox.url}/sandbox/") as http:
        yield http


async def _post(http: ClientSession, path: str, body: Any = None) -> tuple[int, Any]:
    async with http.post(path, json=body) as response:
        return response.status, await response.json()


async def test_somebody_phones_in_and_the_whole_call_can_be_read(
    control: ClientSession, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    status, call = await _post(control, "calls", {"from": "+15551234567", "script": "greeting"})
    assert status == 201
    await sandbox.world.watch.until(lambda: bool(voice_server.closed))
    async with control.get(f"calls/{call['id']}") as response:
        told = await response.json()
    assert told["over"]
    assert told["openai"]["end_cause"] == "caller_hung_up"
    assert told["openai"]["frames_sent"] == len(voice_server.frames)


async def test_a_call_through_the_number_shows_its_legs(
    control: ClientSession, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _post(control, "calls", {"script": "greeting", "via": "number"})
    await sandbox.world.watch.until(lambda: bool(voice_server.events))
    async with control.get("calls") as response:
        (told,) = (await response.json())["calls"]
    assert [leg["direction"] for leg in told["legs"]] == ["inbound", "outbound-dial"]
    assert told["legs"][0]["statuses"] == ["queued", "ringing", "in-progress", "completed"]
    assert voice_server.events[-1]["CallStatus"] == "completed"


async def test_the_person_hangs_up_when_told_to(
    control: ClientSession, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    _, call = await _post(control, "calls", {"script": "endless"})
    await sandbox.world.watch.until(lambda: len(voice_server.frames) > 50)
    _, told = await _post(control, f"calls/{call['id']}/hang-up")
    assert told["over"]
    assert told["openai"]["end_cause"] == "caller_hung_up"


async def test_the_person_hangs_up_after_a_time(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    call = sandbox.phone_in(script="endless", hang_up_after=4)
    over = await sandbox.call_over(call.id)
    assert over.realtime is not None
    assert over.realtime.cause == "caller_hung_up"


@pytest.mark.parametrize(
    "body", [{"script": "opera"}, {"from": "Alice"}, {"via": "pigeon"}, {"frm": "+15551234567"}]
)
async def test_a_call_nobody_could_make_is_refused(control: ClientSession, body: dict[str, Any]) -> None:
    assert (await _post(control, "calls", body))[0] == 422


async def test_an_unknown_call_is_not_found(control: ClientSession) -> None:
    assert (await _post(control, "calls/CA0/hang-up"))[0] == 404


async def test_every_fault_is_listed(control: ClientSession) -> None:
    async with control.get("faults") as response:
        told = await response.json()
    assert {fault["name"] for fault in told["faults"]} == set(FAULTS)
    assert told["armed"] == []


async def test_an_armed_fault_strikes_so_many_calls_in_and_out_whatever_their_number(
    control: ClientSession, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _post(control, "faults", {"fault": "callbacks-lost", "calls": 2})
    status, told = await _post(control, "faults", {"fault": "invite-lost"})
    assert (status, told["armed"]) == (
        201,
        [{"fault": "callbacks-lost", "calls": 2}, {"fault": "invite-lost", "calls": 1}],
    )
    calls = [sandbox.phone_in(via=via) for via in ("number", "trunk", "number", "number")]
    scripts = [
        call.leg.script if call.leg else call.realtime and call.realtime.invite.script for call in calls
    ]
    assert [script and script.fault for script in scripts] == [
        "callbacks-lost",
        "callbacks-lost",
        "invite-lost",
        None,
    ]


async def test_disarmed_faults_strike_nobody(
    control: ClientSession, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _post(control, "faults", {"fault": "callbacks-lost", "calls": 9})
    async with control.delete("faults") as response:
        assert (await response.json())["armed"] == []
    call = sandbox.phone_in(script="greeting", via="number")
    assert call.leg
    assert call.leg.script.fault is None


async def test_a_caller_meets_the_fault_that_was_asked_for_with_its_script_or_another(
    control: ClientSession, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _post(control, "faults", {"fault": "invite-lost"})
    for body in ({}, {"script": "greeting"}):
        await _post(control, "calls", {"fault": "leg-vanishes", "via": "number", **body})
    played = [leg.script for leg in sandbox.twilio.legs.values() if leg.direction == "inbound"]
    assert played == [with_fault("leg-vanishes"), with_fault("leg-vanishes", "greeting")]
    assert sandbox.world.armed.as_json() == [{"fault": "invite-lost", "calls": 1}]


async def test_what_the_agent_remembers_is_shown(control: ClientSession, sandbox: Sandbox) -> None:
    conversation = sandbox.gateway.memory.conversation("agent:main:main", "operator")
    conversation.add(Row("1", "user", "Hello", 1795350417255))
    async with control.get("conversations") as response:
        (shown,) = (await response.json())["conversations"]
    assert (shown["session_key"], shown["session_id"]) == ("agent:main:main", conversation.session_id)
    assert [row["content"][0]["text"] for row in shown["rows"]] == ["Hello"]


async def test_switches_are_shown_and_turned_while_it_runs(control: ClientSession, sandbox: Sandbox) -> None:
    changes = {"sip_call_sid": "parent", "callback_order": ["answered", "completed", "initiated", "ringing"]}
    async with control.patch("switches", json=changes) as response:
        assert response.status == 200
    assert sandbox.switches.callback_order == ("answered", "completed", "initiated", "ringing")
    async with control.get("switches") as response:
        told = await response.json()
    assert told["sip_call_sid"] == "parent"
    assert told["second_accept"] == "not_found"


async def test_the_accounts_are_shown_and_changed_while_it_runs(
    control: ClientSession, sandbox: Sandbox
) -> None:
    async with control.patch("accounts", json={"numbers": [{"trunk_sid": None}], "balance": 0.5}) as response:
        assert response.status == 200
    assert [number.trunk_sid for number in sandbox.world.accounts.numbers] == [None]
    async with control.get("accounts") as response:
        told = await response.json()
    assert (told["balance"], told["numbers"][0]["voice_url"]) == (0.5, "{public_url}/voice/incoming")
    async with control.patch("accounts", json=told) as response:
        assert (response.status, await response.json()) == (200, told)


async def test_a_call_that_gets_nowhere_is_refused_with_the_reason(control: ClientSession) -> None:
    async with control.patch("accounts", json={"trunks": [{"originations": []}]}) as response:
        assert response.status == 200
    status, told = await _post(control, "calls", {})
    assert (status, "no origination URL" in told["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("method", "path", "body", "advice"),
    [
        ("POST", "calls", {"fault": "gremlins", "via": "number"}, "GET /sandbox/faults"),
        ("POST", "calls", {"fault": "leg-vanishes"}, '"via": "number"'),
        ("POST", "faults", {"fault": "gremlins"}, "GET /sandbox/faults"),
        ("POST", "faults", {"fault": "callbacks-lost", "calls": 0}, "calls: "),
        ("POST", "faults", {"calls": 1}, "fault: "),
        ("PATCH", "switches", {"gravity": 0}, "sip_call_sid"),
        ("PATCH", "switches", {"sip_call_sid": "aunt"}, "'child' or 'parent'"),
        ("PATCH", "switches", {"callback_order": ["answered"]}, "callback_order: must name each of answered"),
        ("PATCH", "switches", [], "body: "),
        ("PATCH", "accounts", {"credit": 5}, "use account_status"),
        ("PATCH", "accounts", {"account_type": "Free"}, "'Full' or 'Trial'"),
        ("PATCH", "accounts", {"numbers": [{"voiceUrl": ""}]}, "numbers.0.voiceUrl"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_to_change(
    control: ClientSession, method: str, path: str, body: Any, advice: str
) -> None:
    async with control.request(method, path, json=body) as response:
        assert response.status == 422
        assert advice in (await response.json())["detail"]


async def test_a_person_types_into_a_conversation_that_the_gateway_keeps(
    control: ClientSession, sandbox: Sandbox
) -> None:
    sandbox.switches.gateway_release = "2026.9.6"
    status, _ = await _post(control, "conversations", {"sessionKey": "main", "text": "Buy oat milk."})
    assert status == 201
    answer = {"sessionKey": "agent:main:main", "role": "assistant", "text": "Noted."}
    _, told = await _post(control, "conversations", answer)
    assert [one["session_key"] for one in told["conversations"]] == ["agent:main:main"]
    said = [(row.role, row.text) for row in sandbox.gateway.rows("main")]
    assert said == [("user", "Buy oat milk."), ("assistant", "Noted.")]


@pytest.mark.parametrize("release", ["none", "2026.7.35"])
async def test_who_types_where_conversations_are_files_is_told_what_to_do(
    control: ClientSession, sandbox: Sandbox, release: Release
) -> None:
    sandbox.switches.gateway_release = release
    status, told = await _post(control, "conversations", {"sessionKey": "main", "text": "Buy oat milk."})
    assert (status, "SANDBOX_GATEWAY_RELEASE=2026.9.6" in told["detail"]) == (409, True)
    assert sandbox.gateway.as_json() == []


async def test_the_chats_show_what_was_delivered(control: ClientSession, sandbox: Sandbox) -> None:
    sandbox.gateway.sent.append(Sent("telegram", "telegram:4242", "Done.", "101", "agent:main:main", "one"))
    async with control.get("chats") as response:
        (told,) = (await response.json())["chats"]
    assert (told["to"], told["message"], told["session_key"]) == ("telegram:4242", "Done.", "agent:main:main")


async def test_a_gateway_that_becomes_another_release_cuts_who_is_connected(
    control: ClientSession, sandbox: Sandbox
) -> None:
    sandbox.switches.gateway_release = "2026.9.6"
    async with ClientSession() as http, http.ws_connect(sandbox.url) as socket:
        await socket.receive()
        async with control.patch("switches", json={"gateway_release": "none", "gateway_rows": 4}) as response:
            assert response.status == 200
        assert (await socket.receive(timeout=5)).type in {WSMsgType.CLOSED, WSMsgType.ERROR}
