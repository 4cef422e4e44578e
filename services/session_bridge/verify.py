"""`python -m services.session_bridge verify`: what the journal knows against what OpenClaw really holds."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import aiohttp
import orjson
from pydantic import model_validator

from services.session_bridge.adapters import ended_calls
from services.session_bridge.adapters.ended_calls import EndedCall
from services.session_bridge.adapters.openclaw.cli import OpenClawCommand
from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.gateway import GatewayStore
from services.session_bridge.adapters.openclaw.jsonl import JsonlStore
from services.session_bridge.adapters.openclaw.rpc import OpenClawRpc
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.adapters.openclaw.stores import OpenClawStores
from services.session_bridge.domain.session import Session
from services.session_bridge.domain.session_key import agent_of
from services.session_bridge.domain.transcript import Block
from services.session_bridge.domain.verdict import FAULTS, Finding, Verdict, judge
from services.session_bridge.settings import BridgeSettings
from shared import logs
from shared.database import DatabaseError
from shared.events import iso
from shared.settings import load, refuse_to_start
from shared.tasks import Tasks

_ALWAYS_TOLD = (*FAULTS, Finding.NOT_WRITTEN_YET)
_WRONG = frozenset((*FAULTS, Finding.NOT_COMPARED))


class VerifySettings(BridgeSettings):
    """What verifying reads; it speaks to OpenClaw alone, so it needs nobody's keys."""

    @model_validator(mode="after")
    def _keys_where_real_accounts_are(self) -> Self:
        return self


@dataclass(frozen=True, slots=True)
class Verified:
    """A call and the verdict on it."""

    call: EndedCall
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """Write it for `--json`."""
        session, block = self.call
        return {
            "callId": session.call_id,
            "sessionKey": session.session_key,
            "store": (block and block.store) or None,
            "place": (block and block.place) or None,
            "endedAt": session.ended_at and iso(datetime.fromtimestamp(session.ended_at, UTC)),
            "findings": {finding.value: detail for finding, detail in self.verdict.items()},
            "lastError": session.last_error,
        }

    def __str__(self) -> str:
        told = self.as_json()
        where = "  ".join(str(told[name] or "-") for name in ("callId", "sessionKey", "store", "place"))
        findings = "; ".join(f"{finding}: {detail}" for finding, detail in self.verdict.items())
        why = f" ({told['lastError']})" if told["lastError"] else ""
        return f"{where}  ended {told['endedAt'] or 'unknown'}: {findings}{why}"


@dataclass(frozen=True, slots=True)
class Report:
    """All calls of the journal that ended with a word in them."""

    calls: Sequence[Verified]

    def counts(self) -> dict[str, int]:
        """Count the calls of each finding; rare ones are left out where there are none."""
        counted = {finding: sum(finding in call.verdict for call in self.calls) for finding in Finding}
        return {
            finding.value: count for finding, count in counted.items() if count or finding in _ALWAYS_TOLD
        }

    @property
    def status(self) -> int:
        """Give the exit status: 1 if anything is wrong, 2 if that could not be found out, else 0."""
        found = {finding for call in self.calls for finding in call.verdict}
        return 1 if found.intersection(FAULTS) else 2 * (Finding.NOT_COMPARED in found)

    def as_json(self) -> dict[str, Any]:
        """Write it for `--json`."""
        return {
            "calls": len(self.calls),
            **self.counts(),
            "findings": [call.as_json() for call in self.calls if call.verdict],
        }

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {finding}" for finding, count in self.counts().items())
        calls = f"{len(self.calls)} call{'s' * (len(self.calls) != 1)}"
        return "\n".join([*(str(call) for call in self.calls if call.verdict), f"{calls}: {counts}"])


async def run(*, as_json: bool) -> int:
    """Verify by the settings of the environment and print the report; the exit status."""
    settings = load(VerifySettings)
    logs.configure("error", settings.log_format)
    try:
        report = await verify(settings)
    except DatabaseError as error:
        refuse_to_start(f"{error}. Set DATA_DIR to the bridge's; one of an older version must have run once.")
    sys.stdout.write(f"{orjson.dumps(report.as_json()).decode() if as_json else report}\n")
    return report.status


async def verify(settings: BridgeSettings) -> Report:
    """Compare every ended call; what seems wrong is looked at once more, for OpenClaw and the bridge go on.

    Raises:
        DatabaseError: the journal cannot be read.
    """
    journal = settings.data_dir / "bridge.sqlite"
    folder = OpenClawFolder(settings.state_dir, OpenClawCommand())
    async with aiohttp.ClientSession() as http, Tasks() as tasks:
        rpc = OpenClawRpc(http, settings.find_gateway, settings.openclaw_gateway_timeout)
        tasks.start(rpc.run(), name="gateway")
        stores = OpenClawStores(settings.openclaw_store, folder, rpc, (JsonlStore(folder), GatewayStore(rpc)))
        calls = ended_calls.read(journal)
        verdicts = await _compare(calls, stores)
        if wrong := {call_id for call_id, verdict in verdicts.items() if not _WRONG.isdisjoint(verdict)}:
            calls = ended_calls.read(journal)
            again = [
                call
                for call in calls
                if call.session.call_id in wrong or call.session.call_id not in verdicts
            ]
            verdicts |= await _compare(again, stores)
        await stores.close()
    return Report([Verified(call, verdicts[call.session.call_id]) for call in calls])


async def _compare(calls: Iterable[EndedCall], stores: OpenClawStores) -> dict[str, Verdict]:
    """Judge calls, by their ids."""
    verdicts: dict[str, Verdict] = {}
    by_agent: dict[str, list[tuple[Session, Block]]] = defaultdict(list)
    for session, block in calls:
        if block is None:
            verdicts[session.call_id] = {Finding.NOT_WRITTEN_YET: "its session key is not settled"}
        else:
            by_agent[agent_of(block.session_key)].append((session, block))
    for agent_id, pairs in by_agent.items():
        try:
            kept = await stores.kept(agent_id, [block for _, block in pairs])
        except CannotWriteYetError as error:
            verdicts |= {session.call_id: {Finding.NOT_COMPARED: str(error)} for session, _ in pairs}
        else:
            verdicts |= {
                session.call_id: judge(stands, is_synced=not session.is_unwritten)
                for (session, _), stands in zip(pairs, kept, strict=True)
            }
    return verdicts
