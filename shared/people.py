"""How a service is had to forget a person: by asking it, or where it does not run, in its file.

Two that write one file at a time would be safe, but not fast: whoever runs does it, and nobody else.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import aiohttp
from pydantic import AfterValidator, BaseModel, SecretStr, ValidationError

from shared import bearer, phone
from shared.claim import claimed
from shared.database import DatabaseError
from shared.problems import Problem

_CONNECT_SECONDS, _WORK_SECONDS = 5, 3600
"""A long history takes its time to be written anew."""


class PersonPath(BaseModel):
    """Whose data is meant: a number in international form."""

    number: Annotated[str, AfterValidator(phone.parse), phone.AS_NUMBER]


class Forgotten(BaseModel):
    """What was forgotten of a person: so many calls; and where others still know of them.

    `call_ids` are Twilio's (`CA…`) and OpenAI's (`rtc_…`), `session_keys` the OpenClaw conversations.
    """

    calls: int
    call_ids: list[str]
    session_keys: list[str]


class NotForgottenError(Exception):
    """The person was not forgotten; the text says why, and what to do."""


@dataclass(frozen=True)
class Keeper:
    """A service that keeps what was said: its name, its folder and file, and where it listens."""

    name: str
    data_dir: Path
    file: str
    url: str
    key: SecretStr | None

    async def forget(self, number: str, here: Callable[[str], Awaitable[Forgotten]]) -> Forgotten:
        """Have a person forgotten by the service if it runs, else `here`, while it cannot start.

        Raises:
            NotForgottenError: it refuses, cannot be reached, or its disk failed.
        """
        try:
            if (self.data_dir / self.file).exists() and claimed(self.data_dir, self.name):
                return await here(number)
        except (OSError, DatabaseError) as error:
            raise NotForgottenError(f"{self.data_dir / self.file}: {error}") from error
        return await self._ask(number)

    async def _ask(self, number: str) -> Forgotten:
        timeout = aiohttp.ClientTimeout(total=_WORK_SECONDS, sock_connect=_CONNECT_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=bearer.header(self.key)) as http,
                http.delete(f"{self.url}/people/{number}") as answer,
            ):
                body = await answer.read()
                if answer.status == 200:
                    return Forgotten.model_validate_json(body)
                raise NotForgottenError(f"The {self.name} says: {Problem.model_validate_json(body).detail}")
        except (aiohttp.ClientError, TimeoutError, ValidationError) as error:
            raise NotForgottenError(
                f"The {self.name} does not answer at {self.url} ({type(error).__name__}), and "
                f"{self.data_dir} has no {self.file} that is free: start it, or set its address or DATA_DIR."
            ) from error
