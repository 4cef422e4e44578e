"""The caller's voice and keys, as a voice server hears of them."""

from sandbox.app import Sandbox
from tests.sandbox import frames
from tests.sandbox.voice_server import SESSION, VoiceServer


async def play(sandbox: Sandbox, script: str, voice_server: VoiceServer) -> None:
    """Let a call be played to its end."""
    sandbox.phone_in(script=script)
    await sandbox.world.watch.until(lambda: bool(voice_server.closed))


async def test_a_transcription_lands_after_the_answer_has_begun(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await play(sandbox, "talk", voice_server)
    kinds = voice_server.types()
    completed = kinds.index("conversation.item.input_audio_transcription.completed")
    answers = [index for index, kind in enumerate(kinds) if kind == "response.created"]
    ends = [index for index, kind in enumerate(kinds) if kind == "response.done"]
    assert answers[1] < completed < ends[1]


async def test_gpt_realtime_whisper_transcribes_while_the_caller_speaks(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    heard = SESSION["audio"]["input"] | {"transcription": {"model": "gpt-realtime-whisper"}}
    voice_server.session = SESSION | {"audio": {"input": heard}}
    await play(sandbox, "talk", voice_server)
    kinds = voice_server.types()
    delta = kinds.index("conversation.item.input_audio_transcription.delta")
    assert kinds.index("input_audio_buffer.speech_started") < delta
    assert delta < kinds.index("input_audio_buffer.speech_stopped")


async def test_without_a_transcription_model_there_is_none(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    voice_server.session = SESSION | {"audio": {"output": {"voice": "cedar"}}}
    await play(sandbox, "talk", voice_server)
    assert not [kind for kind in voice_server.types() if "transcription" in kind]


async def test_keys_that_are_pressed_come_without_an_id_of_the_event(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await play(sandbox, "keys", voice_server)
    pressed = voice_server.of_type("input_audio_buffer.dtmf_event_received")
    assert [frame["event"] for frame in pressed] == ["1", "2", "#"]
    assert not [frame for frame in pressed if "event_id" in frame]


async def test_a_silent_caller_is_asked_each_time_the_idle_timeout_of_the_session_strikes(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    detection = {"type": "server_vad", "idle_timeout_ms": 5000}
    heard = SESSION["audio"]["input"] | {"turn_detection": detection}
    voice_server.session = SESSION | {"audio": {"input": heard}}
    call = sandbox.phone_in(script="silent")
    transcribed = "conversation.item.input_audio_transcription.completed"
    await sandbox.world.watch.until(lambda: len(voice_server.of_type(transcribed)) == 2)
    await voice_server.post(call.id, "hangup")
    for frame in voice_server.frames:
        frames.check(frame)
    struck = voice_server.of_type("input_audio_buffer.timeout_triggered")
    assert all(frame["audio_end_ms"] - frame["audio_start_ms"] == 5000 for frame in struck)
    begin = voice_server.types().index("input_audio_buffer.timeout_triggered")
    follows = voice_server.frames[begin + 1 : begin + 7]
    assert [frame["type"].rpartition(".")[2] for frame in follows] == [
        "added",
        "done",
        "committed",
        "added",
        "done",
        "created",
    ]
    assert [follows[0]["item"]["role"], follows[3]["item"]["role"]] == ["system", "user"]
    assert follows[2]["item_id"] == struck[0]["item_id"]
    nothing = voice_server.of_type(transcribed)[0]
    assert (nothing["transcript"], nothing["usage"]["seconds"]) == ("", 0)
