"""What the gateway answers over its WebSocket when it does not do what it was asked."""

from typing import Any


class WireError(Exception):
    """A request is refused; `code`, the message and `details` go out as they are."""

    def __init__(self, code: str, message: str, details: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.body = {"code": code, "message": message, **more} | ({"details": details} if details else {})


def invalid(message: str, **details: Any) -> WireError:
    """Refuse what makes no sense."""
    return WireError("INVALID_REQUEST", message, details)


def unavailable(message: str, **more: Any) -> WireError:
    """Refuse what would make sense at another time, or with other settings."""
    return WireError("UNAVAILABLE", message, **more)


def missing_scope(scope: str, *, detailed: bool) -> WireError:
    """Refuse whoever did not ask for a scope, as 2026.9.6 words it, or as the releases before."""
    message = f"missing scope: {scope}"
    if not detailed:
        return invalid(message)
    details = {"code": "MISSING_SCOPE", "missingScope": scope, "requiredScopes": [scope]}
    return WireError("FORBIDDEN", message, details)
