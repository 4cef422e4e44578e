"""OpenAI's errors, over REST and as frames of the sideband."""

from typing import Any

from aiohttp import web

from sandbox.reception import RefusalError
from shared.problems import json_response


class OpenAIRefusalError(RefusalError):
    """OpenAI refuses a request or a client event."""

    def __init__(self, status: int, code: str | None, message: str, param: str | None = None) -> None:
        self.status = status
        self.code = code
        self.param = param
        super().__init__(message)

    def as_json(self) -> dict[str, Any]:
        """Describe the error as both wires do."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"message": str(self), "type": kind, "param": self.param, "code": self.code}

    def response(self) -> web.Response:
        """Answer with OpenAI's error JSON."""
        return json_response({"error": self.as_json()}, status=self.status)


def call_not_found() -> OpenAIRefusalError:
    """Refuse to know a call: it never was, is over, has been rejected, or is not accepted yet."""
    return OpenAIRefusalError(404, "call_id_not_found", "No session found for the provided call_id")
