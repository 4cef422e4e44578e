"""The two signatures by which the service under test knows its peers."""

import base64
import hashlib
import hmac
from collections.abc import Iterable

from pydantic import SecretStr


def webhook_signature(secret: SecretStr, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Sign an OpenAI webhook: the value of `webhook-signature` (Standard Webhooks, v1)."""
    key = base64.b64decode(secret.get_secret_value().removeprefix("whsec_"))
    digest = hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def twilio_signature(token: SecretStr, url: str, form: Iterable[tuple[str, str]]) -> str:
    """Sign a form that Twilio posts: the value of `X-Twilio-Signature`, over the URL exactly as given."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.digest(token.get_secret_value().encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(digest).decode()
