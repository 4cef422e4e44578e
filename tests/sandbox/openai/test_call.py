from sandbox.app import Sandbox
from sandbox.steps import AssistantAsks, CallerHangsUp, CallerSays, Greets, Script
from shared.events import Usage
from tests.sandbox.voice_server import SESSION, VoiceServer


async def test_a_call_ends_once_whatever_comes_later(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    call = sandbox.phone_in(script="endless")
    await sandbox.world.watch.until(lambda: len(voice_server.frames) > 20)
    sandbox.exchange.hang_up(call.id)
    assert await voice_server.post(call.id, "hangup") == 404
    assert call.realtime is not None
    assert call.realtime.cause == "caller_hung_up"


async def test_the_output_of_a_function_waits_until_the_model_has_finished(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    voice_server.decides = "ignore"
    talk = Script(
        (Greets(), CallerSays("Well?"), AssistantAsks("What?", preamble="Wait. " * 30), CallerHangsUp())
    )
    call = sandbox.phone_in(script=talk)
    assert await voice_server.post(call.id, "accept", SESSION) == 200
    socket = await voice_server.attach(call.id)
    await socket.send_json({"type": "response.create"})
    while (frame := await socket.receive_json(timeout=5))["type"] != "response.function_call_arguments.done":
        pass
    tool_call_id = frame["call_id"]
    await socket.send_json({"type": "response.create"})
    output = {"type": "function_call_output", "call_id": tool_call_id, "output": '{"answer": "So."}'}
    while (await socket.receive_json(timeout=5))["type"] != "response.created":
        pass
    await socket.send_json({"type": "conversation.item.create", "item": output})
    kinds = []
    while True:
        frame = await socket.receive_json(timeout=5)
        kinds.append(frame["type"])
        if frame["type"] == "conversation.item.added" and frame["item"]["type"] == "function_call_output":
            break
    assert "response.done" in kinds
    await socket.send_json({"type": "response.create"})
    while (frame := await socket.receive_json(timeout=5))["type"] != "response.output_audio_transcript.done":
        pass
    assert frame["transcript"] == "So."
    await socket.close()


async def test_the_ledger_says_what_the_frames_said(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    call = sandbox.phone_in(script="barge-in")
    await sandbox.call_over(call.id)
    await sandbox.world.watch.until(lambda: bool(voice_server.closed))
    total = Usage()
    for frame in voice_server.of_type("response.done"):
        usage = frame["response"]["usage"]
        given, made = usage["input_token_details"], usage["output_token_details"]
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["input_tokens"] == given["text_tokens"] + given["audio_tokens"]
        total += Usage(
            input_text_tokens=given["text_tokens"],
            input_audio_tokens=given["audio_tokens"],
            cached_text_tokens=given["cached_tokens_details"]["text_tokens"],
            cached_audio_tokens=given["cached_tokens_details"]["audio_tokens"],
            output_text_tokens=made["text_tokens"],
            output_audio_tokens=made["audio_tokens"],
        )
    for frame in voice_server.of_type("conversation.item.input_audio_transcription.completed"):
        total += Usage(transcription_seconds=frame["usage"]["seconds"])
    assert sandbox.openai.ledger(call.id).told == total
    assert total.cached_audio_tokens > 0


async def test_the_place_of_the_rate_limits_is_a_switch(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    sandbox.switches.rate_limits = "after_created"
    sandbox.phone_in(script="greeting")
    await sandbox.world.watch.until(lambda: bool(voice_server.closed))
    assert voice_server.types()[:2] == ["response.created", "rate_limits.updated"]
