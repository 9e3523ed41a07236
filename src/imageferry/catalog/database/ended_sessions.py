"""Browser sessions that were signed out before they expired; all gateways of a catalog refuse them."""

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from imageferry.catalog.database.tables import ended_sessions
from imageferry.clock import now_ms


def end_session(tx: Connection, session_id: str, *, lifetime_ms: int) -> int:
    """End a session and return when, in milliseconds; idempotent. Forget those that have expired since."""
    tx.execute(delete(ended_sessions).where(ended_sessions.c.ended_ms < now_ms() - lifetime_ms))
    of_session = select(ended_sessions.c.ended_ms).where(ended_sessions.c.id == session_id)
    ended_ms: int | None = tx.execute(of_session).scalar_one_or_none()
    if ended_ms is None:
        ended_ms = now_ms()
        tx.execute(ended_sessions.insert().values(id=session_id, ended_ms=ended_ms))
    return ended_ms


def ended_since(tx: Connection, since_ms: int) -> Mapping[str, int]:
    """Return when each session was ended, by its id, of those ended at this time or later."""
    query = select(ended_sessions.c.id, ended_sessions.c.ended_ms).where(ended_sessions.c.ended_ms >= since_ms)
    return {row.id: row.ended_ms for row in tx.execute(query)}
