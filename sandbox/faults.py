"""How the two networks misbehave: each fault by name, and by the last two digits of the called number."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong in one call.

    Attributes:
        peer: who misbehaves.
        digits: the last two digits of the called number that choose it.
        happens: what goes wrong, in one sentence.
        script: what is said meanwhile.
    """

    peer: Literal["openai", "twilio"]
    digits: str
    happens: str
    script: str = "talk"


FAULTS: dict[str, Fault] = {
    "sideband-drops": Fault("openai", "30", "The sideband breaks off in mid-call; the call itself goes on."),
    "callbacks-doubled": Fault(
        "twilio", "70", "Every status callback arrives twice at once, with the same idempotency token."
    ),
    "callbacks-doubled-anew": Fault(
        "twilio", "71", "Every status callback arrives twice at once, each with a token of its own."
    ),
    "callbacks-reordered": Fault(
        "twilio", "72", "The status callbacks come when the call is over, in the order of `callback_order`."
    ),
    "callbacks-middle-lost": Fault("twilio", "73", "Of the status callbacks only the first and last arrive."),
    "callbacks-lost": Fault("twilio", "74", "No status callback arrives."),
    "callbacks-slow": Fault("twilio", "75", "Every status callback arrives ten seconds late."),
    "callbacks-answer-lost": Fault(
        "twilio", "76", "The first answer to each status callback is lost; it is repeated if `rp=rt` asks so."
    ),
    "callbacks-unknown-status": Fault(
        "twilio", "77", "The callbacks in the middle of the call bear a `CallStatus` that nobody knows."
    ),
    "twiml-fetched-twice": Fault(
        "twilio", "78", "The TwiML is fetched twice at once; the second answer counts."
    ),
    "create-failed-but-placed": Fault("twilio", "79", "`Calls.create` answers 500, yet the call is placed."),
    "create-failed": Fault("twilio", "80", "`Calls.create` answers 500, and nothing is placed."),
    "create-late-but-placed": Fault(
        "twilio", "81", "The call is placed, but `Calls.create` answers only after `late_answer_seconds`."
    ),
    "create-cut-but-placed": Fault(
        "twilio", "82", "The call is placed, but the connection breaks before `Calls.create` answers."
    ),
    "create-cut": Fault(
        "twilio", "83", "The connection breaks before `Calls.create` answers; nothing is placed."
    ),
    "create-busy-once": Fault("twilio", "84", "`Calls.create` answers 429 to the first attempt."),
    "create-busy": Fault("twilio", "85", "`Calls.create` answers 429 to every attempt."),
    "create-slow": Fault("twilio", "86", "`Calls.create` answers only when the person has picked up."),
    "queued-long": Fault("twilio", "87", "The call waits in Twilio's queue for a minute (`queue_time`)."),
    "rings-for-ever": Fault(
        "twilio", "88", "The telephone rings beyond every timeout, and no final callback comes.", "no-answer"
    ),
    "hang-up-failed": Fault(
        "twilio", "89", "The first request to end the call is answered with 500.", "endless"
    ),
    "hang-up-busy": Fault(
        "twilio", "90", "The first two requests to end the call are answered 429.", "endless"
    ),
    "status-stale": Fault(
        "twilio",
        "91",
        "No status callback arrives, and REST tells each status ten seconds late.",
        "no-answer",
    ),
    "leg-vanishes": Fault(
        "twilio", "92", "The person's leg ends in mid-call without a callback; OpenAI's goes on.", "silent"
    ),
    "invite-lost": Fault(
        "twilio", "93", "The person picks up, but OpenAI answers the INVITE with SIP 4xx (alert 13224)."
    ),
    "time-limit": Fault(
        "twilio",
        "94",
        "Twilio ends the call ten seconds after the answer, whatever was asked for.",
        "endless",
    ),
    "number-invalid": Fault("twilio", "95", "Twilio calls the number invalid (error 21211)."),
    "region-forbidden": Fault("twilio", "96", "The account may not dial that region (error 21215)."),
    "number-blocked": Fault("twilio", "97", "Twilio has blocked the number (error 21216)."),
    "trial-unverified": Fault(
        "twilio", "98", "A trial account may not dial an unverified number (error of `trial_code`)."
    ),
}
"""Every fault by its name. OpenAI's have the digits 30-69, Twilio's 70-98."""
