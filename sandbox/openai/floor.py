"""Who speaks: at most one response is generated at a time, and voices are heard one after the other."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.openai.conversation import Item
from sandbox.openai.response import Midway, Reply, Response

if TYPE_CHECKING:
    from sandbox.openai.call import RealtimeCall


class Floor:
    """Give the model its turns and take them away.

    Attributes:
        active: the response being generated; None leaves room for the next.
        newest: the latest response, whether or not it is still heard.
        reply_to: chooses what the model says when the service asks for a response.
    """

    def __init__(self, call: "RealtimeCall") -> None:
        self.active: Response | None = None
        self.newest: Response | None = None
        self.reply_to: Callable[[dict[str, Any]], Reply] = lambda _params: Reply("Yes?")
        self._call = call
        self._deferred: list[Callable[[], None]] = []

    @property
    def speaking(self) -> Response | None:
        """The response that is heard, or is going to be."""
        return self.newest if self.newest and self.newest.is_to_be_heard else None

    def respond(
        self, reply: Reply, metadata: dict[str, str] | None = None, midway: Midway | None = None
    ) -> None:
        """Let the model answer; only when no response is active.

        Args:
            reply: what it says and calls.
            metadata: what the service attached to its request.
            midway: done when half of it has been generated.
        """
        self.newest = self.active = Response(self._call, reply, metadata, midway, self.newest)
        self.active.start()

    def when_free(self, work: Callable[[], None]) -> None:
        """Do something as soon as no response is active."""
        if self.active:
            self._deferred.append(work)
        else:
            work()

    def free(self) -> None:
        """Make room for the next response, and do what has waited for that."""
        self.active = None
        waiting, self._deferred = self._deferred, []
        for work in waiting:
            work()

    def interrupt(self, reason: str) -> None:
        """Stop the model in the middle: what is heard falls silent, what is being generated is cut."""
        before_done = self._call.world.switches.truncated == "before_done"
        truncation = self._fall_silent()
        if before_done:
            self._truncate(truncation)
        if self.active:
            self.active.cut(reason)
        if not before_done:
            self._truncate(truncation)

    def clear(self) -> None:
        """Let what is being heard fall silent; generating goes on."""
        self._truncate(self._fall_silent())

    async def quiet(self) -> None:
        """Wait until the model has been heard to the end."""
        heard = None
        while heard is not self.newest and (heard := self.newest):
            await heard.heard()

    def _fall_silent(self) -> tuple[Item, int] | None:
        """Clear the voice; answer with the item that was being heard, and how many milliseconds of it."""
        playback = self.newest.playback if self.newest else None
        if not (self.newest and playback) or playback.over.is_set():
            return None
        played_ms, was_heard = playback.played_ms, playback.is_heard
        playback.clear()
        return (self.newest.spoken, played_ms) if was_heard and self.newest.spoken else None

    def _truncate(self, truncation: tuple[Item, int] | None) -> None:
        if truncation:
            item, played_ms = truncation
            item.truncated_ms = played_ms
            self._call.emit(
                "conversation.item.truncated", item_id=item.id, content_index=0, audio_end_ms=played_ms
            )
