"""What can go wrong when the agent is asked, each as a sentence that the model can say to the owner.

The gateway's own words are never passed on: they may hold secrets, and nobody is to give orders through them.
"""

import aiohttp


class OpenClawError(Exception):
    """The agent could not be asked."""

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or self.__doc__)


class OpenClawUnreachableError(OpenClawError):
    """The agent's gateway cannot be reached: check that it runs."""


class NothingListensError(OpenClawUnreachableError):
    """The agent's gateway is not running: if it is restarting, ask again in half a minute, or start it."""


class OpenClawRefusedError(OpenClawError):
    """The agent's gateway does not let us ask."""


class OpenClawFailedError(OpenClawError):
    """The agent failed; it may have done a part of what it was asked. OpenClaw's log says why."""


class OpenClawSilentError(OpenClawError):
    """The agent gave no answer."""


class OpenClawBrokeOffError(OpenClawError):
    """The agent's answer broke off. It may have done what it was asked: have it look, then ask again."""


class OpenClawSlowError(OpenClawError):
    """The agent did not get done in time and was stopped; it may have done a part of what it was asked."""


_NOT_A_GATEWAY = "What answers is not OpenClaw's gateway: set OPENCLAW_GATEWAY_URL to where that listens."
_SWITCHED_OFF = (
    "The agent's gateway has its chat endpoint switched off: "
    "set gateway.http.endpoints.chatCompletions.enabled to true in openclaw.json."
)
_REFUSALS = {
    200: _NOT_A_GATEWAY,
    401: "The agent's gateway says our token is wrong: set OPENCLAW_GATEWAY_TOKEN to the gateway's own.",
    403: "The agent's gateway does not let this token ask: set OPENCLAW_GATEWAY_TOKEN to the gateway's own.",
    404: _SWITCHED_OFF,
    405: _SWITCHED_OFF,  # so answers the gateway's own page, which then stands there
    429: "The agent's gateway was given too many wrong tokens: check OPENCLAW_GATEWAY_TOKEN and wait.",
    **dict.fromkeys(range(300, 400), _NOT_A_GATEWAY),
}
_MISTAKES = {
    b"Unknown agent": "The agent's gateway knows no such agent: set OPENCLAW_AGENT_ID to one that it has.",
    b"reserved": "OpenClaw keeps this conversation for itself: give the number another one in sessions.json.",
}
"""What stands in a 400 -> what it means."""


def refused(status: int, body: bytes) -> OpenClawError:
    """Say what an answer means that is no stream."""
    for words, mistake in _MISTAKES.items():
        if status == 400 and words in body:
            return OpenClawRefusedError(mistake)
    if status in {502, 503, 504}:
        return OpenClawUnreachableError("The agent's gateway is just starting: ask again in half a minute.")
    sentence = _REFUSALS.get(status)
    return OpenClawRefusedError(sentence) if sentence else OpenClawFailedError()


def lost(error: Exception) -> OpenClawError:
    """Say what it means that the connection failed, or brought what nobody can understand."""
    match error:
        case aiohttp.InvalidURL() | UnicodeError():
            return OpenClawRefusedError(_NOT_A_GATEWAY)
        case aiohttp.ClientSSLError():
            return OpenClawRefusedError(
                "The agent's gateway has no certificate that is trusted here: check OPENCLAW_GATEWAY_URL."
            )
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            return NothingListensError()
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return OpenClawUnreachableError()
    return OpenClawBrokeOffError()
