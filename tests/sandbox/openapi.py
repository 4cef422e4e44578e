"""The judge of Twilio's REST: its own OpenAPI documents.

`twilio_calls.openapi.json` is about Calls (create, fetch, update), `twilio_account.openapi.json` about the
account, its numbers, trunks and geo permissions; both without descriptions, from
`src/services/twilio-api/` in the npm package `@twilio/cli-core` 8.3.2.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema

_DOCUMENTS = [
    json.loads(Path(__file__).with_name(f"twilio_{part}.openapi.json").read_text(encoding="utf-8"))
    for part in ("calls", "account")
]
_PATHS = {path: methods for document in _DOCUMENTS for path, methods in document["paths"].items()}
_SCHEMAS = {
    name: schema for document in _DOCUMENTS for name, schema in document["components"]["schemas"].items()
}
CALLS = "/2010-04-01/Accounts/{AccountSid}/Calls.json"
CALL = "/2010-04-01/Accounts/{AccountSid}/Calls/{Sid}.json"
ACCOUNT = "/2010-04-01/Accounts/{Sid}.json"
BALANCE = "/2010-04-01/Accounts/{AccountSid}/Balance.json"
NUMBERS = "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers.json"
NUMBER = "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json"
TRUNKS = "/v1/Trunks"
ORIGINATIONS = "/v1/Trunks/{TrunkSid}/OriginationUrls"
ON_TRUNK = "/v1/Trunks/{TrunkSid}/PhoneNumbers"
COUNTRY = "/v1/DialingPermissions/Countries/{IsoCode}"


def check_answer(path: str, method: str, status: int, body: dict[str, Any]) -> None:
    """Fail unless an answer is as documented, with every documented field and no other."""
    answer = _PATHS[path][method]["responses"][str(status)]
    schema = _closed(_resolved(answer["content"]["application/json"]["schema"]))
    jsonschema.validate(body, {**schema, "required": list(schema["properties"])})


def check_form(path: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Fail unless a form holds only what is documented, of the documented types."""
    content = _PATHS[path]["post"]["requestBody"]["content"]
    schema = _closed(_resolved(content["application/x-www-form-urlencoded"]["schema"]))
    form: dict[str, Any] = {}
    for name, value in pairs:
        match schema["properties"].get(name, {}).get("type"):
            case "array":
                form.setdefault(name, []).append(value)
            case "integer":
                form[name] = int(value)
            case "boolean":
                form[name] = json.loads(value)
            case _:
                form[name] = value
    jsonschema.validate(form, schema)


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "additionalProperties": False}


def _resolved(schema: Any) -> Any:
    """Put every reference in its place and turn `nullable` into JSON Schema's words."""
    if isinstance(schema, list):
        return [_resolved(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(_SCHEMAS[schema["$ref"].rpartition("/")[2]])
    resolved = {name: _resolved(part) for name, part in schema.items() if name != "nullable"}
    if schema.get("nullable") is True and "type" in schema:
        resolved["type"] = [schema["type"], "null"]
        if "enum" in resolved:
            resolved["enum"] = [*resolved["enum"], None]
    return resolved
