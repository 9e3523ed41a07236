"""Requests that a client may send again: each key stands for one request and the job that it began, for a day."""

from hashlib import sha256

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from imageferry.catalog.database.row_locks import holding
from imageferry.catalog.database.tables import idempotency
from imageferry.clock import now_ms

KEPT_MS = 86_400_000


class RequestKey(Struct, frozen=True):
    """What a client names a request by, and what it asks; of both only digests are kept."""

    key: str
    body: str

    @property
    def digests(self) -> dict[str, str]:
        """As the catalog has them."""
        return {"key": sha256(self.key.encode()).hexdigest(), "body": sha256(self.body.encode()).hexdigest()}


class Begun(Struct, frozen=True):
    """What a key stands for."""

    job_id: str
    is_same: bool  # the request is the one that the key was used for


def begun(tx: Connection, request: RequestKey) -> Begun | None:
    """The job that this key stands for; None when it was not used yet, or is forgotten."""
    digests = request.digests
    row = tx.execute(select(idempotency).where(idempotency.c.key == digests["key"])).one_or_none()
    return None if row is None else Begun(job_id=row.job_id, is_same=row.body == digests["body"])


def remember(tx: Connection, request: RequestKey, *, job_id: str) -> None:
    """Let a key stand for a job; of two who do so at once, one rolls back and finds the other's."""
    tx.execute(insert(idempotency).values(request.digests | {"job_id": job_id, "created_ms": now_ms()}))


def hold(tx: Connection, request: RequestKey) -> bool:
    """Let nobody else hold a key before this transaction ends; False: it stands for no job yet."""
    held = select(idempotency.c.key).where(idempotency.c.key == request.digests["key"])
    return tx.execute(holding(held, idempotency)).one_or_none() is not None


def renew(tx: Connection, request: RequestKey, *, job_id: str) -> None:
    """Let a key that is held stand for another job from now on."""
    of_key = update(idempotency).where(idempotency.c.key == request.digests["key"])
    tx.execute(of_key.values(job_id=job_id, created_ms=now_ms()))


def forget(tx: Connection) -> None:
    """Let go of keys that are a day old."""
    tx.execute(delete(idempotency).where(idempotency.c.created_ms < now_ms() - KEPT_MS))
