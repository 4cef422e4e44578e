"""What a call wants that may have missed something: after a restart, or when it has gone quiet."""

from services.voice_server.domain.commands import Accept, AskTwilio, Attach, CheckSideband, Command, HangUp
from services.voice_server.domain.record import CallRecord, Phase


def hang_up(call: CallRecord) -> HangUp:
    """Hang up whichever leg is not known to be over."""
    return HangUp(call_sid=call.live_sid, rtc_id=call.live_rtc)


def first_commands(call: CallRecord) -> list[Command]:
    """Say how a call that was not being talked on is taken up, by what was saved of it."""
    if call.is_settled:
        return []
    if call.phase in {Phase.CLOSING, Phase.ENDED}:
        return [hang_up(call)]
    if call.phase is Phase.JOINING and call.rtc_id:
        return [Attach(call.rtc_id, rejoin=True) if call.joined else Accept(call.rtc_id, repeated=True)]
    return ask_about(call)


def ask_about(call: CallRecord) -> list[Command]:
    """Ask the peers that know of a call what has become of it."""
    twilio: list[Command] = [AskTwilio(call.live_sid)] if call.live_sid else []
    return [*twilio, CheckSideband()] if call.phase is Phase.TALKING else twilio
