"""What the peers' documentation leaves open, each a switch to be tested both ways."""

from dataclasses import dataclass
from typing import Literal


@dataclass
class Switches:
    """How the stand-ins behave where nobody knows; a test turns them at any time.

    Attributes:
        session_created: a sideband is greeted with `session.created`.
        second_accept: the answer to a second accept of one call.
        hang_up_close: how sideband sockets end when the caller hangs up; 1006 is no close frame at all.
        pending_seconds: how long a call rings at OpenAI until it is given up (real seconds).
        truncated: where `conversation.item.truncated` stands among the frames of a barge-in.
        rate_limits: whether `rate_limits.updated` follows `response.created` or `response.done`.
        trunk_to: whom the `To` header of a call through the trunk names.
        withheld_from: how Twilio writes a withheld number (`+266696687` spells ANONYMOUS).
        greeting_seconds: how long the caller waits for a greeting before speaking (real seconds).
        webhook_retries: how often `realtime.call.incoming` is repeated.
        webhook_seconds: how long OpenAI waits for the answer to a webhook (real seconds).
    """

    session_created: bool = False
    second_accept: Literal["not_found", "conflict", "ok"] = "not_found"
    hang_up_close: Literal[1000, 1001, 1006] = 1006
    pending_seconds: float = 30.0
    truncated: Literal["before_done", "after_done"] = "before_done"
    rate_limits: Literal["after_created", "after_done"] = "after_done"
    trunk_to: Literal["project", "number"] = "project"
    withheld_from: Literal["anonymous", "+266696687"] = "anonymous"
    greeting_seconds: float = 10.0
    webhook_retries: int = 6
    webhook_seconds: float = 5.0
