"""What is kept of one person, and how it is deleted."""

import sqlite3

from services.voice_server.adapters import search
from shared.people import Forgotten


class StillUnderwayError(Exception):
    """A call with this person is not over, or its recording is still at Twilio; the text says what to do."""


def forget(db: sqlite3.Connection, number: str) -> Forgotten:
    """Delete a person's calls, with what was said and whether or not the bridge has got it; all or nothing.

    The idempotency keys of the calls go, too, and with their records what they count in the quotas.

    Raises:
        StillUnderwayError: one of the calls is not over, or its recording would be left at Twilio.
    """
    calls = db.execute(
        "SELECT number, ref, phase, call_id, call_sid, rtc_id, json_extract(record, '$.session_key') AS key,"
        " call_id IN (SELECT call_id FROM open_recordings) AS is_recording_open"
        " FROM calls WHERE phone = ? ORDER BY number",
        (number,),
    ).fetchall()
    for call in calls:
        _check(call)
    db.executemany("DELETE FROM events WHERE call_id = ?", [(call["call_id"],) for call in calls])
    db.executemany("DELETE FROM claims WHERE ref = ?", [(call["ref"],) for call in calls])
    db.executemany("DELETE FROM calls WHERE number = ?", [(call["number"],) for call in calls])
    search.forget_deleted(db)
    ids = [name for call in calls for name in (call["call_sid"], call["rtc_id"]) if name]
    keys = sorted({call["key"] for call in calls if call["key"]})
    return Forgotten(calls=len(calls), call_ids=ids, session_keys=keys)


def _check(call: sqlite3.Row) -> None:
    call_id = call["call_id"] or call["ref"]
    if call["phase"] != "ended":
        raise StillUnderwayError(
            f"The call {call_id} with this person is not over. End it (DELETE /call/{call_id}, with the "
            "voice server running), then ask again."
        )
    if call["is_recording_open"]:
        raise StillUnderwayError(
            f"The recording of the call {call_id} is still on its way here from Twilio. Leave the voice "
            f"server running; GET /history/{call_id} tells how far it is. Then ask again."
        )
