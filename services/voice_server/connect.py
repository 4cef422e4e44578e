"""`python -m services.voice_server connect`: have Twilio and OpenAI lead the calls to our number here.

What is to change is shown first. How the number was before is kept in `DATA_DIR/connect.json`, for `--undo`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp
from pydantic import TypeAdapter, ValidationError

from services.voice_server.adapters.openai_project import OFFER, OpenAIProject, OpenAIProjectError
from services.voice_server.adapters.twilio_account import TwilioAccount, TwilioAccountError
from services.voice_server.adapters.twilio_http import Credentials
from services.voice_server.domain.connecting import (
    Assign,
    Change,
    CreateTrunk,
    DeleteTrunk,
    Point,
    Release,
    Undo,
    Way,
    plan,
    undo,
)
from services.voice_server.domain.diagnosis import State
from services.voice_server.domain.twilio_setup import Number, Wanted, judge_number
from services.voice_server.settings import SomeSecrets, VoiceSettings
from shared import logs, settings

USAGE = "connect [--webhook | --trunk | --undo] [--yes]"

_UNDO: TypeAdapter[Undo] = TypeAdapter(Undo)
_BY_HAND = """Of OpenAI's webhook nothing can be seen here ({error}); look by hand that it is there:
  platform.openai.com, the project, Webhooks, Create: {url} for {offer}.
  Its secret goes into .env as OPENAI_WEBHOOK_SECRET."""
_MADE = """OpenAI tells {url} of calls now. Put this line into .env, it is shown this once, then start anew:
OPENAI_WEBHOOK_SECRET={secret}"""


class ConnectSettings(VoiceSettings):
    """What connecting reads: the voice server's settings, without the secret that it may bring."""

    openai_webhook_secret: SomeSecrets = ()


class Refusal(Exception):  # noqa: N818 - it is no fault of ours
    """It cannot be done; the text says why, and what to do."""


async def run(arguments: Sequence[str]) -> int:
    """Connect as the arguments say; the exit status: 0 if it is done, 1 if not, 2 if they are wrong."""
    wanted, known = set(arguments), {"--webhook", "--trunk", "--undo", "--yes"}
    if wanted - known or len(wanted - {"--yes"}) > 1:
        sys.stderr.write(f"Say {USAGE}\n")
        return 2
    config = settings.load(ConnectSettings)
    logs.configure("error", config.log_format)
    async with aiohttp.ClientSession() as http:
        connector = _Connector(config, http, sure="--yes" in wanted)
        try:
            if "--undo" in wanted:
                return await connector.undo()
            return await connector.connect(Way.TRUNK if "--trunk" in wanted else Way.WEBHOOK)
        except (Refusal, TwilioAccountError, OpenAIProjectError) as error:
            sys.stderr.write(f"{error}\n")
            return 1


class _Connector:
    def __init__(self, config: ConnectSettings, http: aiohttp.ClientSession, *, sure: bool) -> None:
        self._config = config
        self._sure = sure
        self._wanted = Wanted.of(config.openai_project_id, config.sip_host, config.public_url)
        credentials = Credentials(config.twilio_account_sid, *config.twilio_login)
        self._account = TwilioAccount(http, credentials, config.twilio_base_url)
        key = config.openai_api_key.get_secret_value()
        self._project = OpenAIProject(http, config.openai_base_url, key)
        self._file = config.data_dir / "connect.json"

    async def connect(self, way: Way) -> int:
        number = await self._number()
        changes = plan(way, number, await self._account.trunks(), self._wanted)
        lacks_webhook = await self._lacks_webhook()
        words = [str(change) for change in changes]
        if lacks_webhook:
            words.append(f"OpenAI: a webhook for {OFFER} to {self._wanted.status_callback}")
        if not words:
            _say(f"{number.number} is connected by {way} already; nothing is to change.")
            return 0
        if not self._agreed(words):
            return 1
        was = read_undo(self._file) or Undo(number)
        await self._do(changes, was)
        if lacks_webhook:
            secret = await self._project.create_endpoint(self._wanted.status_callback)
            _say(_MADE.format(url=self._wanted.status_callback, secret=secret))
        _say("Connected. `make doctor` looks at all of it; `make connect CONNECT=--undo` puts it back.")
        return 0

    async def undo(self) -> int:
        was = read_undo(self._file)
        if was is None:
            raise Refusal(f"There is nothing to undo: {self._file} is not there.")
        changes = undo(was, await self._number())
        if changes and not self._agreed([str(change) for change in changes]):
            return 1
        await self._do(changes, was)
        self._file.unlink()
        _say("The number is as it was. OpenAI's webhook stays; delete it in the project's settings.")
        return 0

    async def _number(self) -> Number:
        number = await self._account.number(self._config.twilio_phone_number)
        finding = judge_number(number, self._config.twilio_phone_number)
        if number is None or finding.state is not State.OK:
            raise Refusal(f"{finding.found} {finding.next_step}")
        return number

    async def _lacks_webhook(self) -> bool:
        url = self._wanted.status_callback
        try:
            endpoints = await self._project.endpoints()
        except OpenAIProjectError as error:
            _say(_BY_HAND.format(error=error, url=url, offer=OFFER))
            return False
        return not any(one.url.rstrip("/") == url and OFFER in one.event_types for one in endpoints)

    def _agreed(self, words: Sequence[str]) -> bool:
        _say("To change:\n" + "\n".join(f"  {number}. {one}" for number, one in enumerate(words, 1)))
        if self._sure:
            return True
        if not sys.stdin.isatty():
            _say("Nothing is changed: say --yes (CONNECT=--yes) to have it done.")
            return False
        if input("Do it? (yes) ").strip().lower() in {"yes", "y"}:
            return True
        _say("Nothing is changed.")
        return False

    async def _do(self, changes: Sequence[Change], was: Undo) -> None:
        write_undo(self._file, was)
        made = ""
        for change in changes:
            match change:
                case CreateTrunk(sip_uri):
                    made = (await self._account.create_trunk()).sid
                    was = Undo(was.before, (*was.made, made))
                    write_undo(self._file, was)
                    await self._account.lead(made, sip_uri)
                case DeleteTrunk(sid):
                    await self._account.delete_trunk(sid)
                case Assign(number_sid=number_sid, trunk_sid=sid):
                    await self._account.assign(sid or made, number_sid)
                case Release(number_sid=number_sid, trunk_sid=sid):
                    await self._account.release(sid, number_sid)
                case Point(after=after):
                    await self._account.point(after)
            _say(f"done: {change}")


def read_undo(path: Path) -> Undo | None:
    """Read how the number was; None if nothing has been changed.

    Raises:
        Refusal: the file cannot be understood.
    """
    try:
        return _UNDO.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise Refusal(f"{path} cannot be read: mend it, or move it away and undo by hand.") from error


def write_undo(path: Path, was: Undo) -> None:
    """Keep how the number was, for nobody else to read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(_UNDO.dump_json(was, indent=2))
    fresh.replace(path)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
