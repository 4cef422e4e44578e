"""What a service says about itself at `/health`."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from pydantic import BaseModel

try:
    VERSION = version("openclaw-phone")
except PackageNotFoundError:
    VERSION = "0.1.0"


class Check(BaseModel):
    """One thing a service depends on."""

    status: Literal["ok", "failed", "unknown"]
    detail: str


class Health(BaseModel):
    """How a service is: degraded as soon as something needs attention."""

    status: Literal["ok", "degraded"]
    version: str
    active_calls: int


def ok(detail: str) -> Check:
    """Say that it works, and what was seen."""
    return Check(status="ok", detail=detail)


def failed(detail: str) -> Check:
    """Say that it does not work, and what to do."""
    return Check(status="failed", detail=detail)


def unknown(detail: str) -> Check:
    """Say that nobody has looked yet."""
    return Check(status="unknown", detail=detail)


def overall(checks: Iterable[Check]) -> Literal["ok", "degraded"]:
    """Summarise: degraded as soon as one check has failed."""
    return "degraded" if any(check.status == "failed" for check in checks) else "ok"
