"""What is on this machine: disk, both services, and the way from the internet to them."""

import os
import secrets
import shutil
from typing import Any

import aiohttp

from services.voice_server.doctor.case import LOOKING_SECONDS, Case
from services.voice_server.domain.diagnosis import Finding, bad, first_fault, ok
from services.voice_server.routes.hello import proof

_ENOUGH_BYTES = 500_000_000
_UNREACHED = (aiohttp.ClientError, TimeoutError)
_UNSIGNED = {400, 401, 403}
"""How this server refuses a webhook that nobody has signed."""


async def disk(case: Case) -> Finding:
    """Look whether there is room, and we may write."""
    folder = case.config.data_dir
    found = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    if not os.access(found, os.W_OK):
        return bad(
            f"{found} cannot be written to.", f"Give it to the user who runs this: sudo chown $USER {found}"
        )
    free = shutil.disk_usage(found).free
    if free < _ENOUGH_BYTES:
        return bad(
            f"Only {free // 1_000_000} MB are free for {folder}.", "Make room, or set DATA_DIR to elsewhere."
        )
    return ok(f"{folder}: {free / 1e9:.1f} GB free")


async def server(case: Case) -> Finding:
    """Look whether the voice server runs, with these settings."""
    try:
        status, told = await case.get(f"{case.own_url}/health")
    except _UNREACHED:
        return bad(
            f"Nothing answers at {case.own_url}.", "Start it (`make run`), and leave it running meanwhile."
        )
    if not isinstance(told, dict) or "checks" not in told:
        return bad(
            f"Something else answers at {case.own_url}.", "End that program, or set PORT to a free one."
        )
    if status != 200:
        return bad(f"It cannot take calls: {_worst(told)}", "See what it says, and its log.")
    return await _same_settings(case)


async def _same_settings(case: Case) -> Finding:
    token = secrets.token_urlsafe(16)
    _, told = await case.get(f"{case.own_url}/voice/hello", {"token": token})
    if not isinstance(told, dict) or told.get("proof") != _expected(case, token):
        return bad(
            "The voice server that runs has other settings than these.", "Start it again: it reads them once."
        )
    return ok(f"runs at {case.own_url} with these settings")


async def bridge(case: Case) -> Finding:
    """Look whether the session bridge runs and takes our key."""
    url = case.config.bridge_url
    try:
        _, health = await case.ask_bridge("/health")
        status, _ = await case.ask_bridge("/sessions", limit="1")
    except _UNREACHED:
        return bad(f"Nothing answers at {url}.", "Start it (`make run`), or set BRIDGE_URL.")
    if status == 401:
        return bad(
            "The bridge refuses our key.", "Set the same BRIDGE_API_KEY for both services, and restart both."
        )
    if status != 200 or not isinstance(health, dict):
        return bad(f"What answers at {url} is no session bridge.", "Set BRIDGE_URL to where it listens.")
    case.bridge = health
    return ok(f"runs at {url} and takes our key")


async def public(case: Case) -> Finding:
    """Make the round trip: out to the public address, and back to this very server, its path unchanged."""
    url, token = case.config.public_url, secrets.token_urlsafe(16)
    path = f"/voice/hello?token={token}"
    try:
        status, told = await case.get(url + path)
        posted = await _post(case, f"{url}/webhook")
    except aiohttp.ClientConnectorCertificateError:
        return bad("Its certificate is not valid: nobody takes it.", "Renew the certificate.")
    except aiohttp.ClientConnectorDNSError:
        return bad(
            f"No such host: {url}.", "Set PUBLIC_URL to the address of your tunnel or proxy as it is now."
        )
    except _UNREACHED:
        return bad(f"Nothing answers at {url}.", _lead_here(case))
    said = told if isinstance(told, dict) else {}
    seen = str(said.get("path", ""))
    faults = (
        (300 <= status < 400, f"It redirects ({status}): requests from Twilio and OpenAI would get lost."),
        ("proof" not in said, f"Something else answers there ({status})."),
        (said.get("proof") != _expected(case, token), "It leads to another voice server, or other settings."),
        (seen != path, f"The path arrives as {seen.partition('?')[0]}: signatures would be found wrong."),
        (posted not in _UNSIGNED, f"It lets GET through, but answers POST itself ({posted})."),
    )
    fault = first_fault(faults)
    return bad(fault, _lead_here(case)) if fault else ok(f"{url} leads here")


def _lead_here(case: Case) -> str:
    return (
        f"Let the tunnel or proxy behind PUBLIC_URL lead to {case.own_url}, without redirects and with paths "
        "unchanged."
    )


async def _post(case: Case, url: str) -> int:
    limit = aiohttp.ClientTimeout(total=LOOKING_SECONDS)
    async with case.http.post(url, data=b"{}", timeout=limit, allow_redirects=False) as answer:
        return answer.status


def _expected(case: Case, token: str) -> str:
    return proof(case.config.twilio_auth_token.get_secret_value(), token)


def _worst(health: dict[str, Any]) -> str:
    return "; ".join(one["detail"] for one in health["checks"].values() if one["status"] == "failed")
