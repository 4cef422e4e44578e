"""The judges of a service's OpenAPI document: the standard's own schema, the router, and schemathesis."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import schemathesis
from aiohttp import web
from jsonschema import Draft202012Validator

HERE = Path(__file__).parent


def check(document: dict[str, Any], app: web.Application) -> None:
    """Fail unless a document is valid OpenAPI 3.1 and describes every route of an application, no other."""
    assert document["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document).validate()
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    described = [(method, path) for path, methods in document["paths"].items() for method in methods]
    routes = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.resource and route.method != "HEAD"
    }
    assert set(described) == routes
    ids = [document["paths"][path][method]["operationId"] for method, path in described]
    assert len(ids) == len(set(ids))


async def fuzz(url: str, key: str) -> None:
    """Ask a service in the ways its document allows and in others; fail unless all goes as documented."""
    with TemporaryDirectory() as scratch:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("st"),
            f"--config-file={HERE / 'schemathesis.toml'}",
            "run",
            f"{url}/openapi.json",
            f"--header=Authorization: Bearer {key}",
            "--no-color",
            "--warnings=off",
            "--suppress-health-check=all",  # a busy machine is no bug
            "--request-timeout=60",
            cwd=scratch,
            env={"PYTHONPATH": str(HERE.parents[1])},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    if process.returncode:
        pytest.fail(output.decode(), pytrace=False)
