"""The gateway's handshake: who may come in, and with which scopes."""

import hmac
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sandbox.gateway.errors import WireError, invalid
from sandbox.gateway.memory import now_ms
from sandbox.gateway.params import Connect, read
from sandbox.gateway.releases import Ways

_TICK_MS = 30_000
_EVENTS = ("connect.challenge", "agent", "chat", "session.message", "sessions.changed", "tick", "shutdown")
_KEPT_WITHOUT_DEVICE = {("gateway-client", "backend"), ("cli", "cli")}
_IMPLIED_BY_WRITE = {"operator.read", "operator.talk"}


@dataclass(frozen=True)
class Operator:
    """Who has come in, and what it may do."""

    connection: str
    scopes: tuple[str, ...]

    def may(self, scope: str | None) -> bool:
        """Tell whether its scopes cover one; admin covers all, write covers reading and talking."""
        return (
            scope is None
            or bool({scope, "operator.admin"} & set(self.scopes))
            or (scope in _IMPLIED_BY_WRITE and "operator.write" in self.scopes)
        )


def challenge() -> dict[str, Any]:
    """Greet whoever has opened a socket."""
    payload = {"nonce": str(uuid4()), "ts": now_ms(), "capabilities": ["model-catalog-snapshot"]}
    return {"type": "event", "event": "connect.challenge", "payload": payload}


def admit(frame: dict[str, Any], token: str, ways: Ways) -> Operator:
    """Let a client in by its first frame.

    Raises:
        WireError: it may not come in; the socket is closed after this answer.
    """
    if frame.get("method") != "connect":
        raise invalid("invalid handshake: first request must be connect")
    asked = read(Connect, "connect", frame.get("params"))
    if not asked.min_protocol <= ways.protocol <= asked.max_protocol:
        raise invalid("protocol mismatch", **_mismatch(asked, ways))
    given = asked.auth.token or asked.auth.password
    if given is None:
        raise WireError("NOT_PAIRED", "device identity required", {"code": "DEVICE_IDENTITY_REQUIRED"})
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise _wrong_token()
    kept = (asked.client.id, asked.client.mode) in _KEPT_WITHOUT_DEVICE
    scopes = tuple(asked.scopes) if kept else ()
    if not ways.tells_scopes and not scopes:
        scopes = ("operator.admin",)  # 2026.2.2 takes no scopes at all for all of them
    return Operator(str(uuid4()), scopes)


def hello(operator: Operator, ways: Ways) -> dict[str, Any]:
    """Tell a client what it has come to."""
    auth = {"method": "token", "role": "operator", "scopes": list(operator.scopes)}
    return {
        "type": "hello-ok",
        "protocol": ways.protocol,
        "server": {"version": ways.server, "connId": operator.connection},
        "features": {"methods": sorted(ways.methods), "events": list(_EVENTS)},
        "snapshot": {},
        **({"auth": auth} if ways.tells_scopes else {}),
        "policy": {"maxPayload": 26_214_400, "maxBufferedBytes": 52_428_800, "tickIntervalMs": _TICK_MS},
    }


def starting() -> WireError:
    """Put off whoever comes while the gateway starts."""
    return WireError(
        "UNAVAILABLE",
        "gateway starting; retry shortly",
        {"reason": "startup-sidecars"},
        retryable=True,
        retryAfterMs=500,
    )


def _mismatch(asked: Connect, ways: Ways) -> dict[str, Any]:
    if ways.protocol == 3:
        return {"expectedProtocol": ways.protocol}
    return {
        "code": "PROTOCOL_MISMATCH",
        "clientMinProtocol": asked.min_protocol,
        "clientMaxProtocol": asked.max_protocol,
        "expectedProtocol": ways.protocol,
        "minimumProbeProtocol": 3,
    }


def _wrong_token() -> WireError:
    return invalid(
        "unauthorized: gateway token mismatch (provide gateway auth token)",
        code="AUTH_TOKEN_MISMATCH",
        authReason="token_mismatch",
        canRetryWithDeviceToken=False,
        recommendedNextStep="update_auth_credentials",
    )
