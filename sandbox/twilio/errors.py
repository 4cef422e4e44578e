"""Twilio's errors: what REST answers, and what only its debugger shows."""

from dataclasses import dataclass

from aiohttp import web

from sandbox.reception import RefusalError
from shared.problems import json_response


class TwilioRefusalError(RefusalError):
    """Twilio's REST API refuses a request."""

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)

    def response(self) -> web.Response:
        """Answer with Twilio's error JSON."""
        return json_response(
            {
                "code": self.code,
                "message": str(self),
                "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
                "status": self.status,
            },
            status=self.status,
        )


class CallFaultError(Exception):
    """A running call met a fault of the service's making; it ends, and only the debugger says why."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class Alert:
    """One line of Twilio's debugger."""

    call_sid: str
    code: int
    message: str
