"""OpenAI's project over REST: its key, the models it may use, and who is told by webhook what happens."""

import hmac
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.accounts import Endpoint, new_secret
from sandbox.openai import session_config
from sandbox.openai.errors import OpenAIRefusalError
from sandbox.openai.webhooks import Webhooks
from sandbox.reception import Reception
from sandbox.world import World
from shared.problems import explain, json_response

_ENDPOINTS = "/v1/webhook_endpoints"
_ENDPOINT = f"{_ENDPOINTS}/{{id}}"
_MADE = 1770000000

T = TypeVar("T", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Create(_Strict):
    name: str = Field(min_length=1)
    url: str = Field(pattern=r"^https?://\S+$")
    event_types: list[str] = Field(min_length=1)


class _Update(_Strict):
    name: str = Field("", min_length=1)
    url: str = Field("", pattern=r"^https?://\S+$")
    event_types: list[str] = Field([], min_length=1)


class _Rotate(_Strict):
    keep_old_secret_active_for_24_hours: bool = False


class _Test(_Strict):
    event_type: str


class Project:
    """Know the key, and show and change what its project has."""

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self._world = world
        self._webhooks = webhooks

    @property
    def is_ours(self) -> bool:
        """Tell whether the key is of the project that calls go to."""
        return self._world.filled(self._world.accounts.key_project) == self._world.settings.openai_project_id

    def add_routes(self, router: web.UrlDispatcher, reception: Reception) -> None:
        """Serve the models and the webhook endpoints."""
        for method, path, handler in (
            ("GET", "/v1/models", self._models),
            ("GET", "/v1/models/{model}", self._model),
            ("GET", _ENDPOINTS, self._list),
            ("POST", _ENDPOINTS, self._create),
            ("GET", _ENDPOINT, self._retrieve),
            ("POST", _ENDPOINT, self._update),
            ("DELETE", _ENDPOINT, self._delete),
            ("POST", f"{_ENDPOINT}/rotate_secret", self._rotate),
            ("POST", f"{_ENDPOINT}/test", self._test),
        ):
            router.add_route(method, path, reception.recorded(handler))

    def authorize(self, request: web.Request) -> None:
        """Check the key.

        Raises:
            OpenAIRefusalError: it is another.
        """
        expected = f"Bearer {self._world.filled(self._world.accounts.openai_api_key)}".encode()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
            raise OpenAIRefusalError(401, "invalid_api_key", "Incorrect API key provided.")

    def check_models(self, session: dict[str, Any]) -> None:
        """Check that the project may use the models of a session.

        Raises:
            OpenAIRefusalError: it may not.
        """
        heard = (session.get("audio") or {}).get("input") or {}
        for name in (session.get("model"), (heard.get("transcription") or {}).get("model")):
            if name in self._world.accounts.models_off:
                raise _no_model(400, name)

    async def _models(self, request: web.Request) -> web.Response:
        self.authorize(request)
        models = [_model_json(name) for name in self._usable()]
        return self._answer({"object": "list", "data": models})

    async def _model(self, request: web.Request) -> web.Response:
        self.authorize(request)
        if (name := request.match_info["model"]) not in self._usable():
            raise _no_model(404, name)
        return self._answer(_model_json(name))

    def _usable(self) -> list[str]:
        off = self._world.accounts.models_off
        return [name for name in session_config.known_models(self._world.switches) if name not in off]

    async def _list(self, request: web.Request) -> web.Response:
        self.authorize(request)
        newest_first = self._endpoints()[::-1]
        ids = [one.id for one in newest_first]
        start = ids.index(after) + 1 if (after := request.query.get("after")) in ids else 0
        limit = int(request.query.get("limit", "20"))
        shown = [self._endpoint_json(one) for one in newest_first[start : start + limit]]
        ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
        has_more = len(newest_first) > start + limit
        return self._answer({"object": "list", "data": shown, "has_more": has_more, **ends})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await self._read(request, _Create)
        made = Endpoint(
            asked.url,
            asked.event_types,
            secret=new_secret(),
            project=self._world.filled(self._world.accounts.key_project),
            name=asked.name,
        )
        self._world.accounts.webhook_endpoints.append(made)
        return self._answer(self._endpoint_json(made) | {"signing_secret": made.secret})

    async def _retrieve(self, request: web.Request) -> web.Response:
        return self._answer(self._endpoint_json(self._found(request)))

    async def _update(self, request: web.Request) -> web.Response:
        asked, endpoint = await self._read(request, _Update), self._found(request)
        for name in asked.model_fields_set:
            setattr(endpoint, name, getattr(asked, name))
        return self._answer(self._endpoint_json(endpoint))

    async def _delete(self, request: web.Request) -> web.Response:
        endpoint = self._found(request)
        self._world.accounts.webhook_endpoints.remove(endpoint)
        return self._answer({"id": endpoint.id, "object": "webhook_endpoint.deleted", "deleted": True})

    async def _rotate(self, request: web.Request) -> web.Response:
        await self._read(request, _Rotate)
        endpoint = self._found(request)
        endpoint.secret = new_secret()
        return self._answer(self._endpoint_json(endpoint) | {"signing_secret": endpoint.secret})

    async def _test(self, request: web.Request) -> web.Response:
        asked, endpoint = await self._read(request, _Test), self._found(request)
        status = await self._webhooks.sample(endpoint, asked.event_type)
        if status is None:
            raise OpenAIRefusalError(400, "webhook_test_failed", "The webhook endpoint did not answer.")
        told = {"event_type": asked.event_type, "webhook_endpoint_id": endpoint.id, "status_code": status}
        return self._answer({"object": "webhook_endpoint.test", "success": True, **told})

    def _endpoints(self) -> list[Endpoint]:
        """List the endpoints of the project that the key is of."""
        filled, accounts = self._world.filled, self._world.accounts
        return [
            one for one in accounts.webhook_endpoints if filled(one.project) == filled(accounts.key_project)
        ]

    def _found(self, request: web.Request) -> Endpoint:
        self.authorize(request)
        wanted = request.match_info["id"]
        if endpoint := next((one for one in self._endpoints() if one.id == wanted), None):
            return endpoint
        raise OpenAIRefusalError(404, "not_found", f"No webhook endpoint found with id '{wanted}'.")

    async def _read(self, request: web.Request, model: type[T]) -> T:
        self.authorize(request)
        try:
            return model.model_validate_json(await request.read() or b"{}")
        except ValidationError as error:
            raise OpenAIRefusalError(400, "invalid_value", explain(error)) from error

    def _endpoint_json(self, endpoint: Endpoint) -> dict[str, Any]:
        return {
            "id": endpoint.id,
            "object": "webhook_endpoint",
            "name": endpoint.name,
            "url": self._world.filled(endpoint.url),
            "event_types": endpoint.event_types,
            "created_at": _MADE,
            "updated_at": _MADE,
            "signing_secret_hint": f"whsec_...{self._world.filled(endpoint.secret)[-4:]}",
        }

    def _answer(self, body: dict[str, Any]) -> web.Response:
        project = self._world.filled(self._world.accounts.key_project)
        return json_response(body, headers={"openai-project": project})


def _model_json(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1750000000, "owned_by": "system"}


def _no_model(status: int, name: str) -> OpenAIRefusalError:
    message = f"The model `{name}` does not exist or you do not have access to it."
    return OpenAIRefusalError(status, "model_not_found", message, "model")
