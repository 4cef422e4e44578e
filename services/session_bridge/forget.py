"""`python -m services.session_bridge forget +1…`: the bridge's part of forgetting a person.

`python -m services.voice_server forget` is what a user calls; it runs this.
"""

import sys
from typing import Self

from pydantic import model_validator

from services.session_bridge.adapters.journal import Journal
from services.session_bridge.adapters.people import People
from shared.people import Forgotten, Keeper, NotForgottenError
from shared.settings import Settings, load


class ForgetSettings(Settings):
    """What forgetting reads: where things are, and the key if there is one."""

    @model_validator(mode="after")
    def _keys_where_real_accounts_are(self) -> Self:
        return self


async def run(number: str) -> int:
    """Forget a person by the settings of the environment and print what was; the exit status."""
    settings = load(ForgetSettings)
    bridge = Keeper(
        "session bridge", settings.data_dir, "bridge.sqlite", settings.bridge_url, settings.bridge_api_key
    )

    async def here(number: str) -> Forgotten:
        journal = Journal(bridge.data_dir / bridge.file)
        try:
            return await People(journal).forget(number)
        finally:
            await journal.close()

    try:
        forgotten = await bridge.forget(number, here)
    except NotForgottenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{forgotten.model_dump_json()}\n")
    return 0
