"""A session: a call as it is watched, from its first event to the line in OpenClaw."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from services.session_bridge.domain.choice import Store
from shared.events import CallEnded, KeptEvent, ToolFinished, TranscriptUpdate, iso


class GapError(Exception):
    """That is not the call's next event."""

    def __init__(self, expected: int) -> None:
        self.members: dict[str, Any] = {"expectedSequence": expected}
        super().__init__(f"The next event of this call has sequence {expected}; send that one.")


class AfterEndError(Exception):
    """The call has ended: only a tool_finished may follow."""


class State(StrEnum):
    """How far a session is: `syncing` and `failed` both mean that the write is still to be done."""

    ACTIVE = "active"
    SYNCING = "syncing"
    SYNCED = "synced"
    FAILED = "failed"


UNWRITTEN = (State.SYNCING, State.FAILED)
OVERDUE_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Session:
    """What the bridge knows of a call.

    `started_at` is ISO 8601, `ended_at` seconds since 1970, `session_key` None while undecided, `store` None
    until it is being written.
    """

    call_id: str
    phone_number: str
    direction: str
    started_at: str
    session_key: str | None = None
    state: State = State.ACTIVE
    last_sequence: int = 0
    turns: int = 0
    last_error: str | None = None
    attempts: int = 0
    messages_injected: int = 0
    ended_at: float | None = None
    store: Store | None = None

    @property
    def is_unwritten(self) -> bool:
        """Tell whether the call has ended and is not in OpenClaw yet."""
        return self.state in UNWRITTEN

    def is_overdue(self, now: float) -> bool:
        """Tell whether it has not been in OpenClaw for a day after its end; `now` is seconds since 1970."""
        return self.is_unwritten and self.ended_at is not None and now - self.ended_at > OVERDUE_SECONDS

    @classmethod
    def begin(cls, event: KeptEvent) -> Self:
        """Make the session of a call nothing has been heard of."""
        return cls(event.call_id, event.phone_number, event.direction, iso(event.timestamp))

    def take(self, event: KeptEvent) -> Self:
        """Fold the call's next event in.

        A call that was fetched from the voice server before its events arrived begins anew with them.

        Raises:
            GapError: another event comes first.
            AfterEndError: nothing of this type can come any more.
        """
        first = self.last_sequence == 0
        if event.sequence != self.last_sequence + 1:
            raise GapError(self.last_sequence + 1)
        if self.state is not State.ACTIVE and not first and not isinstance(event, ToolFinished):
            raise AfterEndError
        ends = isinstance(event, CallEnded)
        going_on = State.ACTIVE if first else self.state
        return replace(
            self,
            state=State.SYNCING if ends else going_on,
            ended_at=event.timestamp.timestamp() if ends else self.ended_at,
            last_sequence=event.sequence,
            turns=(0 if first else self.turns) + isinstance(event, TranscriptUpdate),
        )
