"""A journal whose disk fails now and then."""

from typing import Any

from services.session_bridge.adapters.journal import Journal
from shared.database import DatabaseError


class UnreliableJournal(Journal):
    """A real journal that fails the next call of each method named in `failing`."""

    failing: set[str]

    async def turns(self, call_id: str) -> Any:
        self._fail("turns")
        return await super().turns(call_id)

    async def synced(self, call_id: str, session_key: str, messages: int) -> bool:
        self._fail("synced")
        return await super().synced(call_id, session_key, messages)

    async def after(self, number: int, limit: int, **scope: Any) -> Any:
        self._fail("after")
        return await super().after(number, limit, **scope)

    def _fail(self, method: str) -> None:
        if method in self.failing:
            self.failing.remove(method)
            raise DatabaseError("disk full")
