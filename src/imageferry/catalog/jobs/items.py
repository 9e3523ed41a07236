"""The rows of items: one for each file of a job."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import JSON, Column, ColumnElement, Connection, Row, bindparam, column, func, select, update

from imageferry.catalog.database.in_list import in_list
from imageferry.catalog.database.tables import items
from imageferry.errors import Reason
from imageferry.model import ItemState, Job, Outcome, TransferItem


def known_ids(tx: Connection, *, job_id: str, file_ids: Collection[str]) -> set[str]:
    """Return which of these files already have an item in the job."""
    return set(tx.execute(_KNOWN_IDS, {"of_job": job_id, "file_ids": file_ids}).scalars())


_KNOWN_IDS = select(items.c.file_id).where(items.c.job_id == bindparam("of_job"), in_list(items.c.file_id, "file_ids"))


def insert(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert new items: on PostgreSQL all of them as one JSON parameter, else by one statement run for each."""
    if not rows:
        return
    if tx.dialect.name == "postgresql" and not any(_has_nul(row) for row in rows):
        tx.execute(_INSERT_JSON, {"rows": rows})
    else:
        tx.execute(items.insert(), rows)


def _has_nul(row: Mapping[str, Any]) -> bool:
    return any("\0" in (row[name] or "") for name in ("name", "path", "object_key", "detail"))


_INSERTED = [each for each in items.columns if each is not items.c.id]
_GIVEN = func.json_to_recordset(bindparam("rows", type_=JSON)).table_valued(
    *(column(each.name, each.type) for each in _INSERTED), name="given"
)
# With a parameter for each value, PostgreSQL's driver takes ten times as long.
_INSERT_JSON = items.insert().from_select(
    [each.name for each in _INSERTED], select(*_GIVEN.render_derived(with_types=True).c)
)


def transfer_items(tx: Connection, *, batch_ids: Collection[int]) -> dict[int, list[TransferItem]]:
    """Return the items that are still to be transferred, by batch."""
    return _select_transfer_items(tx, items.c.state == ItemState.PENDING, batch_ids=batch_ids)


def withdrawn_transfer_items(tx: Connection, *, batch_ids: Collection[int]) -> dict[int, list[TransferItem]]:
    """Return the items that were still to be transferred when their job was cancelled, by batch."""
    return _select_transfer_items(tx, _IS_WITHDRAWN, batch_ids=batch_ids)


_IS_WITHDRAWN = (items.c.state == ItemState.SKIPPED) & (items.c.reason == Reason.CANCELLED)


def _select_transfer_items(
    tx: Connection, condition: ColumnElement[bool], *, batch_ids: Collection[int]
) -> dict[int, list[TransferItem]]:
    columns = (
        items.c.batch_id,
        items.c.id,
        items.c.file_id,
        items.c.name,
        items.c.object_key,
        items.c.mime_type,
        items.c.size_bytes,
        items.c.md5,
        items.c.resource_key,
        items.c.tries,
        items.c.overwrites,
    )
    query = select(*columns).where(items.c.batch_id.in_(batch_ids), condition).order_by(items.c.id)
    found: dict[int, list[TransferItem]] = {batch_id: [] for batch_id in batch_ids}
    for (
        batch_id,
        item_id,
        file_id,
        name,
        object_key,
        mime_type,
        size_bytes,
        md5,
        resource_key,
        tries,
        overwrites,
    ) in tx.execute(query):
        found[batch_id].append(
            TransferItem(
                item_id=item_id,
                file_id=file_id,
                name=name,
                object_key=object_key,
                mime_type=mime_type,
                size_bytes=size_bytes,
                md5=md5,
                resource_key=resource_key,
                tries=tries,
                overwrites=overwrites,
            )
        )
    return found


class PendingItem(Struct, frozen=True):
    """An item that has no outcome yet."""

    id: int
    batch_id: int
    file_id: str
    tries: int
    size_bytes: int | None  # as listed, like the next two
    md5: str | None
    mime_type: str


def pending(tx: Connection, *, batch_ids: Collection[int]) -> dict[int, PendingItem]:
    """Return the items of these batches that have no outcome yet, by item id."""
    return {row[0]: PendingItem(*row) for row in tx.execute(_PENDING, {"batch_ids": batch_ids})}


def withdrawn(tx: Connection, *, batch_ids: Collection[int]) -> dict[int, PendingItem]:
    """Return the items of these batches that were skipped because their job was cancelled, by item id."""
    return {row[0]: PendingItem(*row) for row in tx.execute(_WITHDRAWN, {"batch_ids": batch_ids})}


_OF_BATCHES = select(
    items.c.id, items.c.batch_id, items.c.file_id, items.c.tries, items.c.size_bytes, items.c.md5, items.c.mime_type
).where(in_list(items.c.batch_id, "batch_ids"))
_PENDING = _OF_BATCHES.where(items.c.state == ItemState.PENDING)
_WITHDRAWN = _OF_BATCHES.where(_IS_WITHDRAWN)


def save_outcomes(tx: Connection, outcomes: Collection[Outcome], *, listed: Mapping[int, PendingItem]) -> None:
    """Save the outcomes of items: those stored exactly as listed, nearly all, in one statement."""
    as_listed = {outcome.item_id for outcome in outcomes if _is_as_listed(outcome, listed[outcome.item_id])}
    if as_listed:
        tx.execute(_SAVE_AS_LISTED, {"item_ids": list(as_listed)})
    rows = [
        {
            "item_id": outcome.item_id,
            "new_state": outcome.state,
            "new_reason": outcome.reason,
            "new_detail": outcome.detail,
            "new_size_bytes": outcome.size_bytes,
            "new_md5": outcome.md5,
            "new_version": outcome.version,
            "new_mime_type": outcome.mime_type,
            "new_digest_mismatch": outcome.digest_mismatch,
        }
        for outcome in outcomes
        if outcome.item_id not in as_listed
    ]
    if rows:
        tx.execute(_SAVE, rows)


def _is_as_listed(outcome: Outcome, item: PendingItem) -> bool:
    return outcome == Outcome(
        item_id=item.id,
        state=ItemState.STORED,
        size_bytes=item.size_bytes,
        md5=item.md5,
        mime_type=item.mime_type,
        transferred=outcome.transferred,  # counted by the job, not saved with the item
    )


_SAVE_AS_LISTED = (
    update(items)
    .where(in_list(items.c.id, "item_ids"))
    .values(state=ItemState.STORED, reason=None, detail=None, digest_mismatch=False, tries=items.c.tries + 1)
)
_SAVE = (
    update(items)
    .where(items.c.id == bindparam("item_id"))
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        detail=bindparam("new_detail"),
        size_bytes=func.coalesce(bindparam("new_size_bytes"), items.c.size_bytes),
        md5=func.coalesce(bindparam("new_md5"), items.c.md5),
        version=func.coalesce(bindparam("new_version"), items.c.version),
        mime_type=func.coalesce(bindparam("new_mime_type"), items.c.mime_type),
        digest_mismatch=bindparam("new_digest_mismatch"),
        tries=items.c.tries + 1,
    )
)


def failure_and_skip_counts(tx: Connection, job: Job) -> tuple[Counter[Reason], Counter[Reason]]:
    """Return how many items of a job failed and how many were skipped, by reason.

    Items are counted only if the job's own counts are not enough.
    """
    failures = count_by_reason(tx, job_id=job.id, state=ItemState.FAILED) if job.failed else Counter()
    if job.skipped == job.unchanged:
        return failures, +Counter({Reason.UNCHANGED: job.unchanged})
    return failures, count_by_reason(tx, job_id=job.id, state=ItemState.SKIPPED)


def count_by_reason(tx: Connection, *, job_id: str, state: ItemState) -> Counter[Reason]:
    """Return how many items of a job have this state, by reason, most frequent first."""
    query = (
        select(items.c.reason, func.count())
        .where(items.c.job_id == job_id, items.c.state == state)
        .group_by(items.c.reason)
        .order_by(func.count().desc())
    )
    return Counter({Reason(reason): count for reason, count in tx.execute(query)})


def list_page(
    tx: Connection,
    *,
    job_id: str,
    state: ItemState | None,
    reason: Reason | None,
    after: int | str | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return the items of a job that follow a position, optionally of one state and for one reason."""
    # Each order has an index. Items of one state are in the order of discovery, others in that of the file ids.
    key: Column[Any] = items.c.file_id if state is None else items.c.id
    query = select(items).where(items.c.job_id == job_id).order_by(key).limit(limit)
    if state is not None:
        query = query.where(items.c.state == state)
    if reason is not None:
        query = query.where(items.c.reason == reason)
    return tx.execute(query if after is None else query.where(key > after)).all()


def page_position(row: Row[Any], *, state: ItemState | None) -> int | str:
    """Return the position of a row in `list_page`: the `after` of the next page."""
    value: int | str = row.file_id if state is None else row.id
    return value


def after_file(
    tx: Connection, *, job_id: str, file_id: str, limit: int, state: ItemState | None = None
) -> Sequence[Row[Any]]:
    """Return the items of a job that follow a file id, in the order of file ids, optionally of one state."""
    query = select(items).where(items.c.job_id == job_id, items.c.file_id > file_id).order_by(items.c.file_id)
    query = query.limit(limit)
    return tx.execute(query if state is None else query.where(items.c.state == state)).all()
