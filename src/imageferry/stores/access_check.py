"""Finds out what a store permits, and leaves no object in it."""

from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from imageferry.errors import BlockedError, NotPermittedError, PermanentError, Reason
from imageferry.http.base import HttpError, Request
from imageferry.http.client import Client
from imageferry.stores.answers import Answer
from imageferry.stores.errors import translate_errors
from imageferry.stores.permissions import Access, Permissions, permission
from imageferry.stores.presigned_put import read_answer
from imageferry.stores.refusals import error_of, named_permission

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    from imageferry.stores.store import Store

# All checks use the same key, so the next check removes what a killed process left.
CHECK_KEY = ".imageferry-check"
PART_BYTES = 1024
PARTS = 4
REQUEST_TIMEOUT_S = 20


class _AbandonedError(Exception):
    """The test upload has gone far enough."""


async def check_access(store: "Store", inner: "ObjectStore", *, writer: "ObjectStore", uploads: bool) -> Permissions:
    """Raise what keeps the store from taking objects; return what else it does not permit.

    Where objects may be deleted, writes one and deletes it. Elsewhere, and with `uploads`, starts an upload that is
    never completed.
    """
    try:
        return await _check(store, inner, writer=writer, uploads=uploads)
    except BlockedError as exc:
        if exc.reason is Reason.MISCONFIGURED and isinstance(inner, S3Store):
            answer = await _full_answer(inner)
            if answer is not None and answer.region is not None:
                raise error_of(answer, store=store.url) from exc
        raise


async def _check(store: "Store", inner: "ObjectStore", *, writer: "ObjectStore", uploads: bool) -> Permissions:
    missing: list[Access] = []
    unknown: list[Access] = []
    # Deleting first shows whether an object that is written could be deleted.
    can_delete = await _is_permitted(store.delete(CHECK_KEY))
    if can_delete:
        await store.put(CHECK_KEY, b"imageferry", mime_type="text/plain")
        if not await _is_permitted(store.head(CHECK_KEY)):
            missing.append(Access.READ)
        await store.delete(CHECK_KEY)
    else:
        missing.append(Access.DELETE)
    if (uploads or not can_delete) and not await _can_abort(store, writer):
        missing.append(Access.ABORT)
    # Without the permission to list, S3 does not say that an object is missing, but that it may not be read.
    if refusal := await _refusal_of_missing_object(inner):
        can_list = await _is_permitted(_list(store, inner))
        if not can_list:
            missing.append(Access.LIST)
        if not can_delete:
            # Google's "(or it may not exist)" names a permission that may not be the missing one.
            named = None if "may not exist" in refusal.message else named_permission(refusal)
            if can_list or named == permission(Access.READ, store=store.url):
                missing.append(Access.READ)
            elif named is None:
                unknown.append(Access.READ)
    return Permissions(store=store.url, missing=tuple(missing), unknown=tuple(unknown))


async def _is_permitted(call: Awaitable[object]) -> bool:
    """Return False if the store refuses a call that an import can do without, or does not know it."""
    try:
        await call
    except (NotPermittedError, PermanentError):
        return False
    return True


async def _can_abort(store: "Store", writer: "ObjectStore") -> bool:
    """Start an upload and abort it. Raises what keeps it from starting; returns False when it may not be aborted."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(PARTS):  # the first part has been sent before the last one is taken
            yield b"x" * PART_BYTES
        raise _AbandonedError

    with translate_errors(store.url):
        try:
            await obstore.put_async(
                writer, CHECK_KEY, chunks(), use_multipart=True, chunk_size=PART_BYTES, max_concurrency=1
            )
        except _AbandonedError:
            return True
        except BaseError as exc:
            if Answer.of_exception(exc).access is not Access.ABORT:
                raise
    return False


async def _refusal_of_missing_object(inner: "ObjectStore") -> Answer | None:
    try:
        await obstore.get_async(inner, CHECK_KEY)
    except BaseError as exc:
        answer = Answer.of_exception(exc)
        return answer if answer.status == HTTPStatus.FORBIDDEN else None
    except FileNotFoundError:
        return None
    return None


async def _list(store: "Store", inner: "ObjectStore") -> None:
    with translate_errors(store.url):
        async for _ in obstore.list(inner, CHECK_KEY):
            break


async def _full_answer(inner: S3Store) -> Answer | None:
    """Return the store's answer to a signed URL: obstore discards what a redirect says."""
    client = Client(connections=1, connect_timeout_s=REQUEST_TIMEOUT_S)
    try:
        url = await obstore.sign_async(inner, "GET", CHECK_KEY, timedelta(seconds=REQUEST_TIMEOUT_S))
        response = await client.send(Request(url=url, timeout_s=REQUEST_TIMEOUT_S))
        return await read_answer(response, method="GET", url=url)
    except (BaseError, HttpError):
        return None
    finally:
        await client.close()
