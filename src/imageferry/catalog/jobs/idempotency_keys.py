"""Idempotency keys: each stands for one request and the job that it created, for a day."""

from hashlib import sha256

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from imageferry.catalog.database.row_locks import for_update
from imageferry.catalog.database.tables import idempotency_keys
from imageferry.clock import now_ms

RETENTION_MS = 86_400_000


class RequestKey(Struct, frozen=True):
    """A client's key for a request, and the request itself. The catalog stores only digests of them."""

    key: str
    request: str

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 digests in hex, by column."""
        return {
            "key_digest": sha256(self.key.encode()).hexdigest(),
            "request_digest": sha256(self.request.encode()).hexdigest(),
        }


class KeyUse(Struct, frozen=True):
    """The job that a key was used for."""

    job_id: str
    is_same: bool  # the key was used for the same request


def lookup(tx: Connection, request: RequestKey) -> KeyUse | None:
    """Return the job that this key stands for, None if it is not in use."""
    digests = request.digests
    row = tx.execute(
        select(idempotency_keys).where(idempotency_keys.c.key_digest == digests["key_digest"])
    ).one_or_none()
    return None if row is None else KeyUse(job_id=row.job_id, is_same=row.request_digest == digests["request_digest"])


def bind(tx: Connection, request: RequestKey, *, job_id: str) -> None:
    """Let a key stand for a job. If two transactions bind one at once, the second rolls back and runs again."""
    tx.execute(insert(idempotency_keys).values(request.digests | {"job_id": job_id, "created_ms": now_ms()}))


def lock(tx: Connection, request: RequestKey) -> bool:
    """Lock a key until the transaction ends. Return False if it is not in use: then nothing is locked."""
    query = select(idempotency_keys.c.key_digest).where(idempotency_keys.c.key_digest == request.digests["key_digest"])
    return tx.execute(for_update(query, idempotency_keys)).one_or_none() is not None


def rebind(tx: Connection, request: RequestKey, *, job_id: str) -> None:
    """Let a locked key stand for another job."""
    of_key = update(idempotency_keys).where(idempotency_keys.c.key_digest == request.digests["key_digest"])
    tx.execute(of_key.values(job_id=job_id, created_ms=now_ms()))


def delete_expired(tx: Connection) -> None:
    """Delete keys older than RETENTION_MS."""
    tx.execute(delete(idempotency_keys).where(idempotency_keys.c.created_ms < now_ms() - RETENTION_MS))
