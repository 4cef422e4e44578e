from sandbox.app import Sandbox
from sandbox.steps import Script
from sandbox.twilio.legs import Leg
from tests.sandbox.voice_server import VoiceServer


def _leg(callback: str) -> Leg:
    return Leg("AC0", "+14155550123", "+14155550100", "outbound-api", Script(), status_callback=callback)


async def test_a_callback_nobody_took_is_tried_once_more_with_the_same_sequence(sandbox: Sandbox) -> None:
    sandbox.twilio.callbacks.report(_leg("http://127.0.0.1:9/"), "completed")
    await sandbox.world.watch.until(lambda: len(sandbox.twilio.callbacks.posted) == 2)
    first, second = sandbox.twilio.callbacks.posted
    assert first == second
    assert first.status is None


async def test_an_error_answer_to_a_callback_is_the_end_of_it(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    leg = _leg(f"{voice_server.url}/nowhere#rc=3")
    sandbox.twilio.callbacks.report(leg, "completed")
    leg.status_callback = f"{voice_server.url}/webhook"
    sandbox.twilio.callbacks.report(leg, "completed")
    await sandbox.world.watch.until(lambda: len(sandbox.twilio.callbacks.posted) == 2)
    assert [(one.url, one.status) for one in sandbox.twilio.callbacks.posted] == [
        (f"{voice_server.url}/nowhere", 404),
        (f"{voice_server.url}/webhook", 204),
    ]
