"""What nobody knows of Twilio for certain can be had either way."""

import json
from typing import Any, Literal

import pytest

from sandbox.app import Sandbox
from tests.sandbox.twilio_rest import Rest, form
from tests.sandbox.voice_server import VoiceServer


async def _call(sandbox: Sandbox, voice_server: VoiceServer, rest: Rest) -> str:
    """Play a short outbound call to its last callback; its SID."""
    _, call = await rest.post("Calls.json", **form(voice_server, "+14155550101"))
    await sandbox.world.watch.until(lambda: any("CallDuration" in form for form in voice_server.events))
    return str(call["sid"])


@pytest.mark.parametrize("side", ["child", "parent"])
async def test_whose_sid_openai_sees(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest, side: Literal["child", "parent"]
) -> None:
    sandbox.switches.sip_call_sid = side
    sid = await _call(sandbox, voice_server, rest)
    ((_, body),) = voice_server.webhooks
    headers = {one["name"]: one["value"] for one in json.loads(body)["data"]["sip_headers"]}
    assert (headers["X-Twilio-CallSid"] == sid) == (side == "parent")


async def test_the_answer_can_be_told_after_the_twiml_was_fetched(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest
) -> None:
    sandbox.switches.answered_callback = "after_twiml"
    await _call(sandbox, voice_server, rest)
    told = [form["CallStatus"] if "/webhook" in url else "twiml" for url, form, _ in voice_server.forms]
    assert told == ["initiated", "ringing", "twiml", "in-progress", "completed"]


async def test_whether_ringing_is_told_of(sandbox: Sandbox, voice_server: VoiceServer, rest: Rest) -> None:
    sandbox.switches.ringing_told = False
    leg = sandbox.twilio.legs[await _call(sandbox, voice_server, rest)]
    assert [str(status) for status in leg.statuses] == ["queued", "in-progress", "completed"]
    assert [form["CallStatus"] for form in voice_server.events] == ["initiated", "in-progress", "completed"]


@pytest.mark.parametrize(
    ("told", "statuses"), [("completed", ["completed"]), ("all", ["in-progress", "completed"])]
)
async def test_of_what_a_number_tells(
    sandbox: Sandbox, voice_server: VoiceServer, told: Any, statuses: list[str]
) -> None:
    sandbox.switches.inbound_callbacks = told
    sandbox.phone_in(script="greeting", via="number")
    await sandbox.world.watch.until(lambda: len(voice_server.events) == len(statuses))
    assert [form["CallStatus"] for form in voice_server.events] == statuses
