"""Both signatures against the vectors their owners publish; the libraries judge whole requests elsewhere."""

from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from sandbox.signing import twilio_signature, webhook_signature

SECRET = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_the_published_vector_of_standard_webhooks_comes_out() -> None:
    body = b'{"test": 2432232314}'
    signature = webhook_signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector_of_twilio_comes_out() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "From": "+14158675309",
        "Digits": "1234",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    signature = twilio_signature(SecretStr("12345"), url, form.items())
    assert signature == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert RequestValidator("12345").validate(url, form, signature)
