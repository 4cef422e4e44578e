"""The OpenAI project behind the key: whether its models can be used, and where its webhooks go."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

M = TypeVar("M", bound=BaseModel)

TIMEOUT_SECONDS = 10
OFFER = "realtime.call.incoming"
_PROJECT_HEADER = "openai-project"


class OpenAIProjectError(Exception):
    """OpenAI did not tell what it was asked."""


class OpenAIRightsError(OpenAIProjectError):
    """OpenAI does not know the key, or the key may not do this."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """Whose key it is, None if not told; and the time there in seconds since 1970."""

    project_id: str | None
    now: float | None


class Endpoint(BaseModel):
    """An address to which OpenAI tells what happens; the hint is the end of its secret."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    url: str
    event_types: tuple[str, ...]
    signing_secret_hint: str | None = None


class _Endpoints(BaseModel):
    data: tuple[Endpoint, ...]
    has_more: bool = False
    last_id: str | None = None


class _Created(BaseModel):
    signing_secret: str


class _Tested(BaseModel):
    status_code: int


class OpenAIProject:
    """Look at a project.

    Every method raises `OpenAIRightsError` if the key does not suffice, and `OpenAIProjectError` if OpenAI
    cannot be reached, refuses, or answers something else.

    Args:
        http: the client to use.
        base_url: OpenAI's, or a stand-in's.
        api_key: of the project.
    """

    def __init__(self, http: aiohttp.ClientSession, base_url: str, api_key: str) -> None:
        self._http = http
        self._base_url = base_url
        self._headers = {"Authorization": f"Bearer {api_key}"}

    async def introduce(self) -> Introduction:
        """Show the key; whose it is, as far as OpenAI tells it, and what time it is there."""
        _, headers, _ = await self._ask("GET", "/models")
        date = parsedate_to_datetime(headers["Date"]).timestamp() if "Date" in headers else None
        return Introduction(headers.get(_PROJECT_HEADER), date)

    async def has_model(self, model: str) -> bool:
        """Tell whether the project may use a model."""
        status, _, _ = await self._ask("GET", f"/models/{model}", absent=True)
        return status != 404

    async def endpoints(self) -> list[Endpoint]:
        """List where webhooks go."""
        found: list[Endpoint] = []
        after: str | None = None
        while True:
            params = {"limit": "100"} | ({"after": after} if after else {})
            _, _, told = await self._ask("GET", "/webhook_endpoints", params=params)
            page = _read(_Endpoints, told)
            found += page.data
            if not page.has_more or page.last_id in {None, after}:
                return found
            after = page.last_id

    async def create_endpoint(self, url: str) -> str:
        """Have OpenAI tell an address of calls; the secret with which it signs, which is told this once."""
        body = {"name": "OpenClaw phone", "url": url, "event_types": [OFFER]}
        _, _, told = await self._ask("POST", "/webhook_endpoints", body=body)
        return _read(_Created, told).signing_secret

    async def test(self, endpoint_id: str) -> int:
        """Have a call announced that there is not, as a test; the status with which the endpoint answered."""
        _, _, told = await self._ask(
            "POST", f"/webhook_endpoints/{endpoint_id}/test", body={"event_type": OFFER}
        )
        return _read(_Tested, told).status_code

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        absent: bool = False,
    ) -> tuple[int, Mapping[str, str], Any]:
        limit = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        try:
            async with self._http.request(
                method, self._base_url + path, params=params, json=body, headers=self._headers, timeout=limit
            ) as answer:
                if answer.status in {401, 403}:
                    raise OpenAIRightsError(f"OpenAI refuses the key ({answer.status})")
                if answer.status >= 400 and not (absent and answer.status == 404):
                    raise OpenAIProjectError(f"OpenAI answers {answer.status}")
                return answer.status, answer.headers, await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise OpenAIProjectError("OpenAI does not answer") from error


def _read(model: type[M], told: Any) -> M:
    try:
        return model.model_validate(told)
    except ValidationError as error:
        raise OpenAIProjectError("OpenAI's answer is of another form") from error
