"""How the gateway words over HTTP that it does not do what it was asked."""

from aiohttp import web

from sandbox.reception import RefusalError
from shared.problems import json_response


class GatewayRefusalError(RefusalError):
    """The gateway refuses a request."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status = status
        self.kind = kind
        super().__init__(message)

    @property
    def body(self) -> dict[str, dict[str, str]]:
        """Word it as OpenAI-compatible servers do."""
        return {"error": {"message": str(self), "type": self.kind}}

    def response(self) -> web.Response:
        """Answer with it."""
        return json_response(self.body, status=self.status)


class SwitchedOffError(RefusalError):
    """The endpoint is switched off: the gateway knows nothing of it."""

    def response(self) -> web.Response:
        """Answer as to any address that leads nowhere."""
        return web.Response(status=404, text="Not Found")


def wrong(message: str) -> GatewayRefusalError:
    """Refuse what makes no sense."""
    return GatewayRefusalError(400, "invalid_request_error", message)


def failed(message: str = "internal error") -> GatewayRefusalError:
    """Tell that the agent has failed."""
    return GatewayRefusalError(500, "api_error", message)
