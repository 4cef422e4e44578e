"""A service's OpenAPI 3.1 document at `/openapi.json`, drawn from its router and what its handlers state."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from shared.health import VERSION
from shared.operation import BEARER, OPEN, Answer, Operation, operation, statement
from shared.problems import Problem

Json = dict[str, Any]

_DOCUMENT = web.AppKey("openapi", bytes)
SIGN_IN_COOKIE = "openclaw_phone"
_REF = "#/components/schemas/{model}"

_SCHEMES: Mapping[str, Json] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The service's key, from its settings."},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": SIGN_IN_COOKIE,
        "description": "What `POST /sign-in` gives a browser; taken from the service's own page alone.",
    },
    "openai": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks, with OPENAI_WEBHOOK_SECRET over webhook-id, -timestamp and body.",
    },
    "twilio": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Twilio-Signature",
        "description": "With TWILIO_AUTH_TOKEN over the form and the address as PUBLIC_URL has it.",
    },
}

_REFUSALS: Mapping[str, tuple[int, ...]] = {
    "bearer": (401, 429),
    "cookie": (403,),
    "openai": (401,),
    "twilio": (403,),
    "path": (422,),
    "query": (422,),
    "headers": (422,),
    "body": (400, 413, 415, 422),
    "signed": (400, 413, 422),
}
"""What a request is refused with, by who may ask and what is taken."""

_PROBLEM_HEADERS: Mapping[int, tuple[str, ...]] = {429: ("Retry-After",)}


@operation({200: "application/json"}, security=OPEN)
async def show(request: web.Request) -> web.Response:
    """Show this document."""
    return web.Response(body=request.app[_DOCUMENT], content_type="application/json")


def publish(app: web.Application, title: str, *, browsers: bool = False) -> None:
    """Add `/openapi.json`, which describes every route that the application has by now.

    Args:
        app: the service.
        title: its name.
        browsers: the cookie of a signed-in browser is as good as the key.

    Raises:
        TypeError: a route states nothing about itself.
    """
    app.router.add_get("/openapi.json", show)
    app[_DOCUMENT] = orjson.dumps(document(app, title, browsers=browsers))


def document(app: web.Application, title: str, *, browsers: bool = False) -> Json:
    """Draw the document; raises as `publish` does."""
    paths: dict[str, Json] = {}
    schemas, schemes = _Schemas(), dict[str, Json]()
    for route in app.router.routes():
        if route.method == "HEAD":  # goes without saying where there is a GET
            continue
        path = route.resource.canonical if route.resource else ""
        if (stated := statement(route.handler)) is None:
            raise TypeError(f"{route.method} {path} states nothing: put @operation on its handler")
        if browsers and stated.security == BEARER:
            stated = replace(stated, security=(*BEARER, "cookie"))
        schemes |= {name: _SCHEMES[name] for name in stated.security}
        paths.setdefault(path, {})[route.method.lower()] = _described(path, stated, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": VERSION},
        "paths": paths,
        "components": {"schemas": schemas.named, "securitySchemes": schemes},
    }


class _Schemas:
    """Writes schemas and keeps those that have a name."""

    def __init__(self) -> None:
        self.named: Json = {}

    def of(self, adapter: TypeAdapter[Any], mode: JsonSchemaMode) -> Json:
        """Write a type's schema; what it refers to is kept."""
        schema = adapter.json_schema(mode=mode, ref_template=_REF)
        for name, definition in schema.pop("$defs", {}).items():
            self._keep(name, definition)
        return schema

    def ref(self, adapter: TypeAdapter[Any], mode: JsonSchemaMode) -> Json:
        """Write a type's schema as a reference, if it has a name."""
        schema = self.of(adapter, mode)
        if "title" not in schema:
            return schema
        self._keep(schema["title"], schema)
        return {"$ref": _REF.format(model=schema["title"])}

    def _keep(self, name: str, schema: Json) -> None:
        if self.named.setdefault(name, schema) != schema:
            raise TypeError(f"Two models have the name {name}: rename one")


def _described(path: str, stated: Operation, schemas: _Schemas) -> Json:
    summary, _, more = (inspect.getdoc(stated.handler) or "").partition("\n\n")
    described: Json = {
        "operationId": stated.handler.__name__,
        "summary": summary.replace("\n", " ").removesuffix("."),
        "parameters": [*_path_parameters(path, stated), *_parameters(stated, schemas)],
        "responses": {str(status): answer for status, answer in sorted(_responses(stated, schemas).items())},
        "security": [{name: []} for name in stated.security],
    }
    if more:
        described["description"] = more
    if bodies := _bodies(stated):
        content = {media: {"schema": schemas.ref(adapter, "validation")} for media, adapter in bodies.items()}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _bodies(stated: Operation) -> Mapping[str, TypeAdapter[Any]]:
    body = stated.takes.get("body")
    return {"application/json": body} if body else stated.signed


def _path_parameters(path: str, stated: Operation) -> Iterator[Json]:
    if "path" in stated.takes:
        return
    for name in re.findall(r"{(\w+)}", path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _parameters(stated: Operation, schemas: _Schemas) -> Iterator[Json]:
    for part, place in (("path", "path"), ("query", "query"), ("headers", "header")):
        if part not in stated.takes:
            continue
        model = schemas.of(stated.takes[part], "validation")
        for name, schema in model["properties"].items():
            yield {
                "name": name,
                "in": place,
                "required": name in model.get("required", ()),
                "schema": _never_null(schema),
            }


def _never_null(schema: Json) -> Json:
    """Take null out of what a parameter may be: it is left out instead."""
    if "anyOf" not in schema:
        return schema
    options = [option for option in schema["anyOf"] if option != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in {"anyOf", "default"}}
    return {**rest, **options[0]} if len(options) == 1 else {**rest, "anyOf": options}


def _responses(stated: Operation, schemas: _Schemas) -> dict[int, Json]:
    reasons = [*stated.security, *stated.takes, *(["signed"] if stated.signed else ())]
    refusals = {*stated.problems, *(status for reason in reasons for status in _REFUSALS[reason])}
    problem = {"application/problem+json": {"schema": schemas.ref(TypeAdapter(Problem), "serialization")}}
    answers = {status: _content(answer, schemas) for status, answer in stated.answers.items()}
    contents = dict.fromkeys(refusals, problem) | answers
    return {
        status: _response(
            status, content, stated.sends if status in answers else _PROBLEM_HEADERS.get(status, ())
        )
        for status, content in contents.items()
    }


def _content(answer: Answer, schemas: _Schemas) -> Json:
    match answer:
        case None:
            return {}
        case str():
            return {answer: {}}
        case _:
            return {"application/json": {"schema": schemas.ref(TypeAdapter(answer), "serialization")}}


def _response(status: int, content: Json, headers: tuple[str, ...]) -> Json:
    return {
        "description": HTTPStatus(status).phrase,
        "content": content,
        "headers": {name: {"schema": {"type": "string"}} for name in headers},
    }
