"""`python -m services.voice_server forget +1…`: whatever both services keep of a person is deleted.

First the voice server's, which brings the bridge what was said; the bridge's by a command of its own.
"""

import asyncio
import sys
from collections.abc import Iterable
from typing import Self

from pydantic import model_validator

from services.voice_server.adapters.people import StillUnderwayError
from services.voice_server.adapters.store import Store
from shared import phone
from shared.people import Forgotten, Keeper, NotForgottenError
from shared.settings import Settings, load

_ASK = "Forget {number}: its calls, what was said and recorded, in both services, for ever? yes or no: "
_DONE = "Forgotten: {voice} in the voice server, {bridge} in the session bridge, with all that was said."
_ELSEWHERE = """Not ours to delete:
  OpenClaw has what was said in {keys}: delete or reset it there
  Twilio's log has {at_twilio}: Console > Monitor > Logs > Calls
  OpenAI's logs have {at_openai}: platform.openai.com > Logs, if your project keeps them
  backups and log files of yours; settings that name the number (.env, config/sessions.json)
"""


class ForgetSettings(Settings):
    """What forgetting reads: where things are, and the keys if there are any."""

    @model_validator(mode="after")
    def _keys_where_real_accounts_are(self) -> Self:
        return self


async def run(text: str, *, is_sure: bool) -> int:
    """Forget a person by the settings of the environment; 0: done, 1: not, or not all, 2: nothing tried."""
    try:
        number = phone.parse(text)
    except phone.NotAPhoneNumberError as error:
        return _refused(str(error), 2)
    settings = load(ForgetSettings)
    if not (is_sure or _is_told_yes(number)):
        return _refused("Nothing was done; without a terminal say --yes.", 2)
    voice = Keeper(
        "voice server", settings.data_dir, "voice.sqlite", settings.voice_server_url, settings.voice_api_key
    )

    async def here(number: str) -> Forgotten:
        store = Store(voice.data_dir)
        try:
            return await store.forget_person(number)
        except StillUnderwayError as error:
            raise NotForgottenError(str(error)) from error
        finally:
            await store.close()

    try:
        ours = await voice.forget(number, here)
        theirs = await _of_the_bridge(number)
    except NotForgottenError as error:
        return _refused(str(error), 1)
    _tell(ours, theirs)
    return 0


async def _of_the_bridge(number: str) -> Forgotten:
    command = (sys.executable, "-m", "services.session_bridge", "forget", number)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    if process.returncode:
        raise NotForgottenError(
            "The voice server has forgotten, the session bridge has not: see above, repeat."
        )
    return Forgotten.model_validate_json(told)


def _is_told_yes(number: str) -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stdout.write(_ASK.format(number=number))
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def _refused(why: str, status: int) -> int:
    sys.stderr.write(f"{why}\n")
    return status


def _tell(ours: Forgotten, theirs: Forgotten) -> None:
    ids = {*ours.call_ids, *theirs.call_ids}
    elsewhere = {
        "keys": _listed({*ours.session_keys, *theirs.session_keys}),
        "at_twilio": _listed(name for name in ids if name.startswith("CA")),
        "at_openai": _listed(name for name in ids if not name.startswith("CA")),
    }
    sys.stdout.write(_DONE.format(voice=_calls(ours), bridge=_calls(theirs)) + "\n")
    sys.stdout.write(_ELSEWHERE.format(**elsewhere))


def _calls(forgotten: Forgotten) -> str:
    return f"{forgotten.calls} call{'s' * (forgotten.calls != 1)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing that we know of"
