"""The judge of TwiML is judged: it lets pass what Twilio's examples show, and sees what is wrong."""

import pytest

from services.voice_server.adapters import twilio_webhook
from tests.voice_server import twiml_judge
from tests.voice_server.twiml_judge import BadTwimlError

SIP = "sip:proj_1@sip.api.openai.com;transport=tls"


@pytest.mark.parametrize(
    "verbs",
    [
        "",
        "<Hangup />",
        '<Reject reason="busy" />',
        "<Say>Hello.</Say><Pause length='1' /><Redirect>https://h/x</Redirect>",
        f"<Dial timeLimit='14400' callerId='+14155550100'><Sip>{SIP}?X-A=1&amp;X-B=2</Sip></Dial>",
        f'<Dial answerOnBridge="true"><Sip statusCallbackEvent="initiated answered">{SIP}</Sip></Dial>',
        "<Dial><Number>+14155550100</Number></Dial>",
    ],
)
def test_what_twilio_understands_passes(verbs: str) -> None:
    twiml_judge.check(f"<Response>{verbs}</Response>")


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("", "12100"),
        ("<Response>", "12100"),
        ("<Reponse />", "12200"),
        ('<Response a="b" />', "12200"),
        ("<Response><Hangdown /></Response>", "no <Hangdown>"),
        ("<Response><Sip>sip:a@b</Sip></Response>", "no <Sip> in a <Response>"),
        ("<Response><Dial><Hangup /></Dial></Response>", "no <Hangup> in a <Dial>"),
        ('<Response><Dial tiemout="5" /></Response>', "tiemout"),
        ('<Response><Dial timelimit="5" /></Response>', "timelimit"),
        ('<Response><Dial timeLimit="0" /></Response>', "timeLimit"),
        ('<Response><Dial timeLimit="14401" /></Response>', "timeLimit"),
        ('<Response><Dial callerId="anonymous" /></Response>', "13214"),
        ('<Response><Dial answerOnBridge="True" /></Response>', "answerOnBridge"),
        ('<Response><Reject reason="away" /></Response>', "reason"),
        ("<Response><Dial><Sip>proj_1@host</Sip></Dial></Response>", "13224"),
        (f"<Response><Dial><Sip>sip:{'a' * 255}@host</Sip></Dial></Response>", "13224"),
        (f"<Response><Dial><Sip>{SIP}?X-Twilio-A=1</Sip></Dial></Response>", "32113"),
        (f"<Response><Dial><Sip>{SIP}?Subject=1</Sip></Dial></Response>", "32113"),
        (f"<Response><Dial><Sip>{SIP}?X-A={'1' * 1024}</Sip></Dial></Response>", "21227"),
        (f"<Response><Dial><Sip>{SIP}?X-A=%0d%0aTo:</Sip></Dial></Response>", "break the INVITE"),
        (f"<Response><Say>{'a' * 65536}</Say></Response>", "64 KiB"),
    ],
)
def test_what_twilio_does_not_understand_is_seen(document: str, fault: str) -> None:
    with pytest.raises(BadTwimlError, match=fault):
        twiml_judge.check(document)


def test_every_document_of_ours_is_one_that_twilio_understands() -> None:
    twiml_judge.check(
        twilio_webhook.bridge_twiml(
            "proj_" + "a" * 60,
            "sip-eu.api.openai.com",
            token="7f" * 16,
            caller_id="+14155550100",
            time_limit_seconds=3540,
        )
    )
    twiml_judge.check(twilio_webhook.hang_up_twiml())
    for reason in ("busy", "rejected"):
        twiml_judge.check(twilio_webhook.reject_twiml(reason))
