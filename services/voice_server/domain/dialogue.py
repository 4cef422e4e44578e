"""Who may speak next: one response at a time.

OpenAI refuses a `response.create` while a response is active. What the call wants said is therefore queued.
"""

from services.voice_server.domain.commands import Command, RequestResponse
from services.voice_server.domain.signals import RequestRefused, ResponseEnded, ResponseStarted

_BUSY = "conversation_already_has_active_response"


class Dialogue:
    """Keep the model's turns to speak in order."""

    def __init__(self) -> None:
        self._requests = 0
        self._requested: RequestResponse | None = None
        self._waiting: RequestResponse | None = None
        self._active: str | None = None
        self._is_cut_off = False

    @property
    def is_cut_off(self) -> bool:
        """Tell whether the model cannot be reached."""
        return self._is_cut_off

    @property
    def is_answering(self) -> bool:
        """Tell whether the model is about to speak, or should be."""
        return bool(self._active or self._requested)

    @property
    def is_free(self) -> bool:
        """Tell whether the model could be made to speak at once, and nothing waits for that."""
        return not (self.is_answering or self._waiting or self._is_cut_off)

    def want_response(self, instructions: str | None = None, *, only_talk: bool = False) -> list[Command]:
        """Make the model speak: now, or as soon as it has finished. Words of our own come before its own."""
        request = self._request(instructions, only_talk=only_talk)
        if self._is_cut_off or self.is_answering:
            self._waiting = request if instructions else self._waiting or request
            return []
        self._requested = request
        return [request]

    def remark(self, instructions: str) -> list[Command]:
        """Make the model say something that is worth saying only now, when it is free."""
        self._requested = self._request(instructions, is_remark=True)
        return [self._requested]

    def response_started(self, started: ResponseStarted) -> RequestResponse | None:
        """Note that the model has the floor. One response is active: whatever was before has ended.

        Returns:
            the request for it; None if the model speaks without having been asked to.
        """
        self._active = started.response_id
        if not (self._requested and started.request_id == self._requested.request_id):
            return None
        request, self._requested = self._requested, None
        return request

    def response_ended(self, ended: ResponseEnded) -> list[Command]:
        """Note that a response has been made; say what can be said now."""
        if self._active in {None, ended.response_id}:
            self._active = self._requested = None
        return self._next()

    def refused(self, refusal: RequestRefused) -> list[Command]:
        """Take back a request that OpenAI refused; one that came too early is repeated in time."""
        if not self._requested or refusal.request_id not in {None, self._requested.request_id}:
            return []
        refused, self._requested = self._requested, None
        if refusal.code != _BUSY:
            return self._next()
        if not refused.is_remark:
            # The end of the response that was in the way is still to come.
            self._repeat(refused)
        return []

    def cut_off(self) -> None:
        """Hold back what is for the model. What was under way may end unheard of, so nothing waits for it.

        A request that may not have arrived is made again, except for words that must not be said twice.
        """
        if self._requested and self._requested.instructions is None:
            self._repeat(self._requested)
        self._is_cut_off, self._requested, self._active = True, None, None

    def resume(self, at: float) -> None:
        """Begin anew after a restart: cut off, and with request ids that were not used before it."""
        self._requests = int(at)
        self.cut_off()

    def go_on(self) -> list[Command]:
        """Tell the model what was held back."""
        self._is_cut_off = False
        return self._next()

    def played(self, response_id: str) -> list[Command]:
        """Note that a response was played to its end: it has ended, told or not."""
        if self._active != response_id:
            return []
        self._active = None
        return self._next()

    def _request(self, instructions: str | None, **more: bool) -> RequestResponse:
        self._requests += 1
        return RequestResponse(f"response_{self._requests}", instructions, **more)

    def _repeat(self, request: RequestResponse) -> None:
        # Under an id of its own: an error that names it is not to be taken for one about the first attempt.
        self._waiting = self._waiting or self._request(request.instructions, only_talk=request.only_talk)

    def _next(self) -> list[Command]:
        if self.is_answering or self._is_cut_off or not self._waiting:
            return []
        self._requested, self._waiting = self._waiting, None
        return [self._requested]
