"""The scripts, as a voice server sees them over the sideband."""

import asyncio
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from sandbox.app import Sandbox
from sandbox.openai.call import EndCause
from sandbox.openai.performance import Performance
from sandbox.openai.response import Reply
from sandbox.steps import AssistantSays, CallerIsSilent, CallerSays, Greets, Script
from tests.sandbox import frames
from tests.sandbox.voice_server import SESSION, VoiceServer

DTMF = "input_audio_buffer.dtmf_event_received"


async def _play(sandbox: Sandbox, script: str | Script, voice_server: VoiceServer) -> dict[str, Any]:
    call = sandbox.phone_in(script=script)
    told = (await sandbox.call_over(call.id)).as_json()["openai"]
    await sandbox.world.watch.until(lambda: bool(voice_server.closed))
    assert isinstance(told, dict)
    return told


@pytest.mark.parametrize("script", ["talk", "greeting", "barge-in", "mid-sentence", "keys"])
async def test_every_frame_is_strictly_of_openais_own_types(
    script: str, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _play(sandbox, script, voice_server)
    for frame in voice_server.frames:
        frames.check(frame)
    ids = Counter(frame["event_id"] for frame in voice_server.frames if frame["type"] != DTMF)
    assert max(ids.values()) == 1
    assert not [kind for kind in voice_server.types() if kind.endswith("output_audio.delta")]


async def test_a_greeting_is_the_recorded_sequence(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    await _play(sandbox, "greeting", voice_server)
    kinds = [kind for kind in voice_server.types() if kind != "response.output_audio_transcript.delta"]
    assert kinds == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "output_audio_buffer.started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
        "output_audio_buffer.stopped",
    ]
    (done,) = voice_server.of_type("response.done")
    assert done["response"]["metadata"] == {"purpose": "greeting"}
    assert done["response"]["output"][0]["content"][0]["transcript"] == "Hi, this is Ada."


async def test_the_talk_is_three_turns_with_one_question_to_the_agent(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    told = await _play(sandbox, "talk", voice_server)
    spoken = [frame["transcript"] for frame in voice_server.of_type("response.output_audio_transcript.done")]
    assert spoken == [
        "Hi, this is Ada.",
        "One moment, I'll look.",
        "You have two appointments today: the dentist at 10 and lunch with Sam at 1.",
        "Leave at half past twelve.",
        "Goodbye!",
    ]
    completed = voice_server.of_type("conversation.item.input_audio_transcription.completed")
    assert [frame["transcript"] for frame in completed] == [
        "What's on my calendar today?",
        "When do I have to leave for lunch?",
        "Great, thank you. Goodbye!",
    ]
    assert [one.question for one in sandbox.gateway.asked] == ["What is on the calendar today?"]
    assert told["end_cause"] == "hung_up_by_api"
    assert voice_server.closed == [1000]


async def test_the_added_frames_chain_every_item_to_the_one_before(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _play(sandbox, "talk", voice_server)
    added = voice_server.of_type("conversation.item.added")
    assert added[0]["previous_item_id"] is None
    assert all(after["previous_item_id"] == before["item"]["id"] for before, after in pairwise(added))


async def test_some_done_frames_forget_the_item_before(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    await _play(sandbox, "talk", voice_server)
    done = voice_server.of_type("conversation.item.done")[1:]
    assert {frame["previous_item_id"] is None for frame in done} == {True, False}


async def test_without_the_tool_the_assistant_refuses(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    voice_server.session = SESSION | {"tools": SESSION["tools"][1:]}
    await _play(sandbox, "talk", voice_server)
    spoken = [frame["transcript"] for frame in voice_server.of_type("response.output_audio_transcript.done")]
    assert spoken[1] == "I can't do that on this line."
    assert not sandbox.gateway.asked


async def test_without_end_call_the_caller_hangs_up(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    voice_server.session = SESSION | {"tools": []}
    told = await _play(sandbox, "talk", voice_server)
    assert told["end_cause"] == "caller_hung_up"


async def test_text_is_generated_long_before_it_is_heard(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    await _play(sandbox, "talk", voice_server)
    kinds = voice_server.types()
    assert kinds.index("response.done") < kinds.index("output_audio_buffer.stopped")


async def test_a_barge_in_after_the_answer_was_generated_only_clears_and_truncates(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _play(sandbox, "barge-in", voice_server)
    kinds = voice_server.types()
    cleared = kinds.index("output_audio_buffer.cleared")
    assert kinds[cleared - 1 : cleared + 2] == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    ]
    answer = voice_server.of_type("response.done")[1]["response"]
    truncated = voice_server.of_type("conversation.item.truncated")[0]
    assert answer["status"] == "completed"
    assert truncated["item_id"] == answer["output"][0]["id"]
    assert 0 < truncated["audio_end_ms"] < 12_000


async def test_a_barge_in_while_it_is_generated_cancels_the_response(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _play(sandbox, "barge-in", voice_server)
    cancelled = voice_server.of_type("response.done")[2]["response"]
    assert (cancelled["status"], cancelled["status_details"]["reason"]) == ("cancelled", "turn_detected")
    (item,) = cancelled["output"]
    assert item["status"] == "incomplete"
    assert "Tomorrow starts with rain".startswith(item["content"][0]["transcript"][:25])
    assert "leave the house" not in item["content"][0]["transcript"]


@pytest.mark.parametrize("where", ["before_done", "after_done"])
async def test_the_place_of_a_truncation_is_a_switch(
    where: Any, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    sandbox.switches.truncated = where
    await _play(sandbox, "barge-in", voice_server)
    frames_ = voice_server.frames
    cancelled = next(
        i for i, one in enumerate(frames_) if one.get("response", {}).get("status") == "cancelled"
    )
    truncated = [i for i, one in enumerate(frames_) if one["type"] == "conversation.item.truncated"][1]
    assert (truncated < cancelled) == (where == "before_done")


async def test_a_caller_cannot_interrupt_where_the_session_forbids_it(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    detection = {"type": "server_vad", "interrupt_response": False}
    voice_server.session = SESSION | {"audio": {"input": {"turn_detection": detection}}}
    await _play(sandbox, "barge-in", voice_server)
    assert "output_audio_buffer.cleared" not in voice_server.types()


async def test_a_model_that_must_be_asked_waits_for_the_service(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    voice_server.session = SESSION | {"audio": {"input": {"turn_detection": None}}}
    call = sandbox.phone_in(script=Script((Greets(), CallerSays("Hi?"), AssistantSays("Hello yourself."))))
    await sandbox.world.watch.until(lambda: "input_audio_buffer.committed" in voice_server.types())
    socket = await voice_server.attach(call.id)
    await socket.send_json({"type": "response.create"})
    await sandbox.call_over(call.id)
    spoken = voice_server.of_type("response.output_audio_transcript.done")
    assert [frame["transcript"] for frame in spoken] == ["Hi, this is Ada.", "Hello yourself."]
    await socket.close()


@pytest.mark.parametrize("sandbox", [20], indirect=True, ids=["unhurried"])
async def test_a_hang_up_in_mid_sentence_drops_what_was_to_come(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    told = await _play(sandbox, "mid-sentence", voice_server)
    kinds = voice_server.types()
    assert kinds.count("response.created") == kinds.count("response.done") + 1
    assert "Here are the news" in "".join(
        frame["delta"] for frame in voice_server.of_type("response.output_audio_transcript.delta")
    )
    assert told["usage_untold"]["output_audio_tokens"] > 0


async def test_an_endless_call_goes_on_until_somebody_ends_it(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    call = sandbox.phone_in(script="endless")
    await sandbox.world.watch.until(lambda: voice_server.types().count("response.done") > 3)
    assert not call.is_over
    assert await voice_server.post(call.id, "hangup") == 200
    await sandbox.call_over(call.id)


async def test_a_silent_caller_stays_until_somebody_else_ends_the_call(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    call = sandbox.phone_in(script="silent")
    await sandbox.world.watch.until(lambda: "output_audio_buffer.stopped" in voice_server.types())
    assert not call.is_over
    assert await voice_server.post(call.id, "hangup") == 200
    assert "input_audio_buffer.speech_started" not in voice_server.types()


async def test_a_turn_that_nobody_answers_is_transcribed_too(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _play(sandbox, Script((Greets(), CallerSays("One."), CallerSays("Two."))), voice_server)
    completed = voice_server.of_type("conversation.item.input_audio_transcription.completed")
    assert [frame["transcript"] for frame in completed] == ["One.", "Two."]


async def test_a_service_that_never_greets_does_not_stop_the_caller(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    sandbox.switches.greeting_seconds = 0.02
    voice_server.decides = "ignore"
    call = sandbox.phone_in(script="talk")
    await sandbox.world.watch.until(lambda: bool(voice_server.webhooks))
    assert await voice_server.post(call.id, "accept", SESSION | {"tools": []}) == 200
    over = await sandbox.call_over(call.id)
    assert over.realtime is not None
    assert (over.realtime.cause, over.realtime.sent) == ("caller_hung_up", [])
    assert over.realtime.ledger.untold.output_audio_tokens > 0


async def test_a_call_that_ends_while_one_answer_waits_for_another_is_over(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    call = sandbox.phone_in(script=Script((CallerIsSilent(),))).realtime
    assert call is not None
    await sandbox.world.watch.until(lambda: call.is_live)
    call.floor.respond(Reply("Once upon a time there was a king."))
    waiting = call.world.tasks.start(Performance(call)._answer(Reply("Well.")), name="answer")
    await asyncio.sleep(0)
    call.end(EndCause.LINE_ENDED)
    await asyncio.wait_for(waiting, 5)
