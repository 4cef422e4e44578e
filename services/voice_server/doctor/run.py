"""`python -m services.voice_server doctor`: look at everything in order, and print what was found."""

import sys
from collections.abc import Callable, Mapping

import aiohttp
import orjson
from pydantic import ValidationError

from services.voice_server.adapters.openai_project import OpenAIProject
from services.voice_server.adapters.openclaw import OpenClaw, gateway_client
from services.voice_server.adapters.twilio_account import TwilioAccount
from services.voice_server.adapters.twilio_http import Credentials
from services.voice_server.doctor import agent, here, openai, twilio
from services.voice_server.doctor.case import Case, Check
from services.voice_server.domain.agent import Agent
from services.voice_server.domain.diagnosis import Finding, State, bad, blocked, exit_status, ok
from services.voice_server.domain.twilio_setup import Wanted
from services.voice_server.settings import AgentFileError, PricesFileError, VoiceSettings
from shared import logs, settings

SETTINGS = "Settings"

CHECKS = (
    Check("Disk", here.disk),
    Check("Voice server", here.server),
    Check("Session bridge", here.bridge),
    Check("Public address", here.public, ("Voice server",)),
    Check("OpenAI key", openai.key),
    Check("Clock", openai.clock, ("OpenAI key",)),
    Check("OpenAI models", openai.models, ("OpenAI key",)),
    Check("OpenAI webhook", openai.webhook, ("OpenAI key", "Public address")),
    Check("Twilio account", twilio.account),
    Check("Twilio number", twilio.number, ("Twilio account",)),
    Check("Calls to the number", twilio.route, ("Twilio number",)),
    Check("Calls to others", twilio.regions, ("Twilio account",)),
    Check("OpenClaw", agent.state),
    Check("Transcripts", agent.store, ("Session bridge", "OpenClaw")),
    Check("Owners", agent.owners, ("Session bridge",)),
    Check("Asking the agent", agent.ask, ("OpenClaw",)),
)
"""Everything, in the order in which it is looked at."""

_SIGNS = {State.OK: "✓", State.BAD: "✗", State.UNKNOWN: "?", State.SKIPPED: "-"}
_WIDTH = max(len(check.name) for check in CHECKS)

_SUMS = (
    "All is well.",
    "Mend the first ✗ first, then look again.",
    "Nothing is wrong as far as can be seen from here.",
)

Tell = Callable[[str, Finding], None]


async def run(*, as_json: bool) -> int:
    """Look by the settings of the environment and print what is found; the exit status."""
    logs.configure("error", None)
    told: list[dict[str, str]] = []

    def note(name: str, finding: Finding) -> None:
        told.append({"name": name, **_as_json(finding)})

    findings = await diagnose(note if as_json else _print)
    if as_json:
        sys.stdout.write(f"{orjson.dumps({'checks': told}).decode()}\n")
    else:
        sys.stdout.write(f"\n{_SUMS[exit_status(findings)]}\n")
    return exit_status(findings)


async def diagnose(tell: Tell) -> Mapping[str, Finding]:
    """Look at everything in order; each finding is told as soon as it is known."""
    try:
        config = VoiceSettings()
        speaker, warnings = config.load_agent()
        config.load_prices()
    except ValidationError as error:
        faults = "; ".join(line.strip() for line in settings.faults(error, VoiceSettings))
        finding = bad(f"{faults}.", "Set each in .env; .env.example says what it is.")
    except (AgentFileError, PricesFileError) as error:
        finding = bad(f"{error}.", "Mend that file.")
    else:
        tell(SETTINGS, ok("complete", "; ".join(warnings)))
        return await look_at(config, speaker, tell)
    tell(SETTINGS, finding)
    return {SETTINGS: finding}


async def look_at(config: VoiceSettings, speaker: Agent, tell: Tell) -> Mapping[str, Finding]:
    """Look at everything that settings which are complete lead to; told as `diagnose` does."""
    findings: dict[str, Finding] = {}
    async with aiohttp.ClientSession() as http, gateway_client() as to_gateway:
        case = _case(config, speaker, http, to_gateway)
        for check in CHECKS:
            finding = blocked(check.needs, findings) or await check.look(case)
            findings[check.name] = finding
            tell(check.name, finding)
    return findings


def _case(
    config: VoiceSettings, speaker: Agent, http: aiohttp.ClientSession, to_gateway: aiohttp.ClientSession
) -> Case:
    sid, token = config.twilio_account_sid, config.twilio_auth_token.get_secret_value()
    return Case(
        config=config,
        agent=speaker,
        http=http,
        account=TwilioAccount(http, Credentials(sid, sid, token), config.twilio_base_url),
        rest=TwilioAccount(http, Credentials(sid, *config.twilio_login), config.twilio_base_url),
        project=OpenAIProject(http, config.openai_base_url, config.openai_api_key.get_secret_value()),
        openclaw=OpenClaw(to_gateway, config.find_gateway, config.openclaw_agent_id),
        wanted=Wanted.of(config.openai_project_id, config.sip_host, config.public_url),
    )


def _as_json(finding: Finding) -> dict[str, str]:
    return {"state": finding.state, "found": finding.found, "nextStep": finding.next_step}


def _print(name: str, finding: Finding) -> None:
    sys.stdout.write(f"{_SIGNS[finding.state]} {name:<{_WIDTH}}  {finding.found}\n")
    if finding.next_step:
        sys.stdout.write(f"  {'':<{_WIDTH}}  → {finding.next_step}\n")
    sys.stdout.flush()
