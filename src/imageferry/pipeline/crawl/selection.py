"""Selects the listed files to transfer, and their object keys. The others are skipped or failed, with a reason."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from imageferry.catalog.images.records import StoredVersion
from imageferry.errors import Reason, UsageError
from imageferry.model import File, ItemState, JobOptions, ListedFile, OnChange
from imageferry.pipeline.crawl.globs import check_globs, matches_any
from imageferry.pipeline.crawl.page_listing import PageListing
from imageferry.pipeline.image_types import image_type
from imageferry.stores.keys import object_key

_NATIVE_PREFIX = "application/vnd.google-apps."


def classify_file(
    file: File,
    *,
    folder_id: str,
    path: str,
    options: JobOptions,
    stored_versions: Mapping[str, StoredVersion],
    folds_case: bool = False,
) -> ListedFile:
    """Decide whether to transfer a file. `stored_versions` has, by file id, what the catalog already records."""
    mime_type = image_type(name=file.name, mime_type=file.mime_type)
    stored = stored_versions.get(file.id)
    if stored is None:
        key = object_key(folder_id=folder_id, file_id=file.id, name=file.name, folds_case=folds_case)
    else:
        key = stored.object_key
    state, reason, detail = _decide(file, mime_type=mime_type, path=path, options=options, stored=stored)
    # A failed file keeps its key: it may be retried.
    has_key = state is not ItemState.SKIPPED or reason is Reason.UNCHANGED
    return ListedFile(
        file=file,
        folder_id=folder_id,
        path=path,
        state=state,
        reason=reason,
        detail=detail,
        object_key=key if has_key else None,
        overwrites=state is not ItemState.SKIPPED and stored is not None,
    )


def classify_others(listing: PageListing, *, folder_id: str, path: str) -> Iterator[ListedFile]:
    """Yield shortcuts without a target as skipped files, and unreadable entries as failed ones."""
    for shortcut, detail in listing.dangling:
        yield ListedFile(
            file=File(id=shortcut.id, name=shortcut.name, mime_type=f"{_NATIVE_PREFIX}shortcut"),
            folder_id=folder_id,
            path=path,
            state=ItemState.SKIPPED,
            reason=Reason.DANGLING_SHORTCUT,
            detail=detail,
        )
    for entry in listing.unreadable:
        yield ListedFile(
            file=File(id=entry.id, name=entry.name),
            folder_id=folder_id,
            path=path,
            state=ItemState.FAILED,
            reason=Reason.INVALID_ENTRY,
            detail=entry.detail,
        )


def check_options(options: JobOptions) -> None:
    """Raise UsageError for options that no file can match or that can't be used.

    These are contradictory limits, types that are not image types, and patterns that are too many.
    """
    size_min, size_max = options.size_bytes_min, options.size_bytes_max
    if size_min is not None and size_max is not None and size_min > size_max:
        raise UsageError(
            Reason.MISCONFIGURED, f"The minimum size ({size_min:,} bytes) is above the maximum ({size_max:,} bytes)."
        )
    after, before = options.modified_after, options.modified_before
    if after is not None and before is not None and after >= before:
        raise UsageError(Reason.MISCONFIGURED, f"No file can be modified on {after} or later and before {before}.")
    for mime_type in options.mime_types:
        if not mime_type.lower().startswith("image/"):
            message = f"Only images are imported: use types such as image/jpeg or image/*, not {mime_type[:80]!r}."
            raise UsageError(Reason.MISCONFIGURED, message)
    try:
        check_globs((*options.include, *options.exclude))
    except ValueError as exc:
        raise UsageError(Reason.MISCONFIGURED, str(exc)) from exc


def matches_patterns(name: str, *, path: str, options: JobOptions) -> bool:
    """Return True if the job's include and exclude patterns select a file of this name in this folder."""
    full_path = f"{path}/{name}" if path else name
    if options.include and not matches_any(full_path, options.include):
        return False
    return not (options.exclude and matches_any(full_path, options.exclude))


def explain_exclusion(file: File, *, mime_type: str, path: str, options: JobOptions) -> str | None:
    """Return why the job's options exclude an image, in one sentence, or None if they don't."""
    if not matches_patterns(file.name, path=path, options=options):
        return "The import's include and exclude patterns exclude it."
    if options.mime_types and not any(fnmatchcase(mime_type, pattern.lower()) for pattern in options.mime_types):
        return f"The import doesn't include files of the type {mime_type}."
    size_bytes = file.size_bytes
    if size_bytes is not None and options.size_bytes_min is not None and size_bytes < options.size_bytes_min:
        return f"It has {size_bytes:,} bytes; the import includes files of {options.size_bytes_min:,} bytes or more."
    if size_bytes is not None and options.size_bytes_max is not None and size_bytes > options.size_bytes_max:
        return f"It has {size_bytes:,} bytes; the import includes files of up to {options.size_bytes_max:,} bytes."
    modified_on = file.modified_at and file.modified_at.date()
    if modified_on and options.modified_after is not None and modified_on < options.modified_after:
        return f"It was modified on {modified_on}; the import includes files from {options.modified_after} or later."
    if modified_on and options.modified_before is not None and modified_on >= options.modified_before:
        return f"It was modified on {modified_on}; the import includes files from before {options.modified_before}."
    return None


_Decision = tuple[ItemState, Reason | None, str | None]


def _decide(
    file: File, *, mime_type: str | None, path: str, options: JobOptions, stored: StoredVersion | None
) -> _Decision:
    if file.mime_type.startswith(_NATIVE_PREFIX):
        kind = file.mime_type.removeprefix(_NATIVE_PREFIX)
        return ItemState.SKIPPED, Reason.NATIVE_DOCUMENT, f"It is a Google {kind}, which can't be imported."
    if mime_type is None:
        return (
            ItemState.SKIPPED,
            Reason.NOT_AN_IMAGE,
            f"Neither its type ({file.mime_type}) nor its name is that of an image.",
        )
    if (detail := explain_exclusion(file, mime_type=mime_type, path=path, options=options)) is not None:
        return ItemState.SKIPPED, Reason.EXCLUDED, detail
    if file.size_bytes == 0:
        return ItemState.FAILED, Reason.EMPTY, Reason.EMPTY.sentence
    if not file.downloadable:
        return ItemState.FAILED, Reason.FORBIDDEN, Reason.FORBIDDEN.sentence
    if stored is not None and _is_same_version(file, stored):
        return ItemState.SKIPPED, Reason.UNCHANGED, None
    if stored is not None and options.on_change is OnChange.KEEP:
        return ItemState.SKIPPED, Reason.KEPT_EXISTING, Reason.KEPT_EXISTING.sentence
    return ItemState.PENDING, None, None


def _is_same_version(file: File, stored: StoredVersion) -> bool:
    same_size = file.size_bytes is None or file.size_bytes == stored.size_bytes
    return same_size and file.version is not None and file.version == stored.version
