"""An owner's key is the one OpenClaw itself would choose, whatever their `openclaw.json` says."""

import itertools
import subprocess
from pathlib import Path

import orjson

from services.session_bridge.domain.release import parse
from services.session_bridge.domain.session_key import Callers, OpenClaw
from shared.openclaw_config import SessionRules
from tests.openclaw.install import Installed

RESOLVER = Path(__file__).with_name("session_keys.mjs")
SCOPES = ("main", "per-peer", "per-channel-peer", "per-account-channel-peer")
NUMBERS = ("+14155550100", "+442071838750")
LINKS: tuple[dict[str, list[str]], ...] = (
    {},
    {"alice": ["telegram:42", "+14155550100"]},
    {"Alice Smith": [" VOICE:+14155550100 "]},
    {"bob": ["telegram:+14155550100"], "alice": ["voice:+14155550100"], "carol": ["+14155550100"]},
    {" ": ["+14155550100"], "alice": ["+442071838750", ""]},
)


def test_an_owners_key_is_openclaws_own(release: Installed) -> None:
    cases = [
        ({"dmScope": scope, "identityLinks": links}, number)
        for scope, links, number in itertools.product(SCOPES, LINKS, NUMBERS)
    ]
    asked = [{"session": session, "number": number} for session, number in cases]
    resolved = subprocess.run(
        [release.node, str(RESOLVER), str(release.dist)],
        input=orjson.dumps(asked),
        env={"HOME": "/nonexistent"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    callers = Callers("main", frozenset(NUMBERS))
    ours = [
        callers.key(number, "CA1", OpenClaw(SessionRules.model_validate(session), parse(release.version)))
        for session, number in cases
    ]
    theirs = orjson.loads(resolved.stdout)
    differing = [
        f"{session} {number}: {our} should be {their}"
        for (session, number), our, their in zip(cases, ours, theirs, strict=True)
        if our != their
    ]
    assert differing == []
