"""What is to become of a listed file: transferred, skipped or failed, and under which key."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from imageferry.catalog.images.records import Held
from imageferry.errors import Reason, UsageError
from imageferry.model import File, ItemState, JobOptions, ListedFile, OnChange
from imageferry.pipeline.image_types import image_type
from imageferry.stores.keys import object_key

_NATIVE = "application/vnd.google-apps."


def judge(
    file: File,
    *,
    folder_id: str,
    path: str,
    options: JobOptions,
    held: Mapping[str, Held],
    folds_case: bool = False,
) -> ListedFile:
    """What is to become of a file, given what the catalog holds already."""
    mime_type = image_type(name=file.name, mime_type=file.mime_type)
    record = held.get(file.id)
    if record is None:
        key = object_key(folder_id=folder_id, file_id=file.id, name=file.name, folds_case=folds_case)
    else:
        key = record.object_key
    state, reason, detail = _verdict(file, mime_type=mime_type, path=path, options=options, record=record)
    # What failed may be tried again once somebody has mended it.
    is_to_stand = state is not ItemState.SKIPPED or reason is Reason.UNCHANGED
    return ListedFile(
        file=file,
        folder_id=folder_id,
        path=path,
        state=state,
        reason=reason,
        detail=detail,
        object_key=key if is_to_stand else None,
        replaces=state is not ItemState.SKIPPED and record is not None,
    )


def dangling(file_id: str, name: str, *, folder_id: str, path: str, detail: str) -> ListedFile:
    """What becomes of a shortcut whose target is gone."""
    return ListedFile(
        file=File(id=file_id, name=name, mime_type="application/vnd.google-apps.shortcut"),
        folder_id=folder_id,
        path=path,
        state=ItemState.SKIPPED,
        reason=Reason.DANGLING_SHORTCUT,
        detail=detail,
    )


def check_options(options: JobOptions) -> None:
    """Raises UsageError when a pattern cannot be used, as braces that stand for thousands of patterns.

    So it does for bounds that no file can keep, and for types that are no images'.
    """
    least, most = options.size_bytes_min, options.size_bytes_max
    if least is not None and most is not None and least > most:
        raise UsageError(Reason.MISCONFIGURED, f"No file holds {least:,} bytes or more and {most:,} or fewer.")
    after, before = options.modified_after, options.modified_before
    if after is not None and before is not None and after >= before:
        raise UsageError(Reason.MISCONFIGURED, f"No file was changed on {after} or later and before {before}.")
    for kind in options.mime_types:
        if not kind.lower().startswith("image/"):
            message = f"Only images are imported: name types such as image/jpeg or image/*, and not {kind[:80]!r}."
            raise UsageError(Reason.MISCONFIGURED, message)
    for pattern in (*options.include, *options.exclude):
        try:
            _matches("name", [pattern])
        except Exception as exc:  # wcmatch keeps its own kind of error private
            raise UsageError(Reason.MISCONFIGURED, f"The pattern {pattern[:80]!r} cannot be used: {exc}.") from exc


def wanted(name: str, *, path: str, options: JobOptions) -> bool:
    """True: the job's globs take a file of this name in this folder."""
    whole = f"{path}/{name}" if path else name
    if options.include and not _matches(whole, options.include):
        return False
    return not (options.exclude and _matches(whole, options.exclude))


def left_out(file: File, *, mime_type: str, path: str, options: JobOptions) -> str | None:
    """Why the job's options leave an image out, in a sentence; None when they take it."""
    if not wanted(file.name, path=path, options=options):
        return "The job's include and exclude patterns leave it out."
    if options.mime_types and not any(fnmatchcase(mime_type, kind.lower()) for kind in options.mime_types):
        return f"The job does not take files of the type {mime_type}."
    size_bytes = file.size_bytes
    if size_bytes is not None and options.size_bytes_min is not None and size_bytes < options.size_bytes_min:
        return f"It holds {size_bytes:,} bytes; the job takes files of {options.size_bytes_min:,} and more."
    if size_bytes is not None and options.size_bytes_max is not None and size_bytes > options.size_bytes_max:
        return f"It holds {size_bytes:,} bytes; the job takes files of up to {options.size_bytes_max:,}."
    modified_on = file.modified_at and file.modified_at.date()
    if modified_on and options.modified_after is not None and modified_on < options.modified_after:
        return f"It was changed on {modified_on}; the job takes files from {options.modified_after} on."
    if modified_on and options.modified_before is not None and modified_on >= options.modified_before:
        return f"It was changed on {modified_on}; the job takes files from before {options.modified_before}."
    return None


_Verdict = tuple[ItemState, Reason | None, str | None]


def _verdict(file: File, *, mime_type: str | None, path: str, options: JobOptions, record: Held | None) -> _Verdict:
    if file.mime_type.startswith(_NATIVE):
        kind = file.mime_type.removeprefix(_NATIVE)
        return ItemState.SKIPPED, Reason.NATIVE_DOCUMENT, f"A Google {kind}, which has no bytes of its own."
    if mime_type is None:
        return (
            ItemState.SKIPPED,
            Reason.NOT_AN_IMAGE,
            f"Neither its type ({file.mime_type}) nor its name is an image's.",
        )
    if (why := left_out(file, mime_type=mime_type, path=path, options=options)) is not None:
        return ItemState.SKIPPED, Reason.EXCLUDED, why
    if file.size_bytes == 0:
        return ItemState.FAILED, Reason.EMPTY, "The file holds no bytes."
    if not file.downloadable:
        return ItemState.FAILED, Reason.FORBIDDEN, "Its owner does not permit downloads."
    if record is not None and _is_same(file, record):
        return ItemState.SKIPPED, Reason.UNCHANGED, None
    if record is not None and options.on_change is OnChange.KEEP:
        return ItemState.SKIPPED, Reason.KEPT, "It changed at the source; the version that is stored stays."
    return ItemState.PENDING, None, None


def _is_same(file: File, record: Held) -> bool:
    same_size = file.size_bytes is None or file.size_bytes == record.size_bytes
    return same_size and file.version is not None and file.version == record.version


def _matches(whole: str, patterns: Sequence[str]) -> bool:
    from wcmatch import glob  # noqa: PLC0415 - few jobs have patterns

    # A pattern without a slash is matched at any depth, as rclone and git do; hidden files are files.
    flags = glob.GLOBSTAR | glob.MATCHBASE | glob.DOTMATCH | glob.BRACE | glob.IGNORECASE | glob.FORCEUNIX
    return bool(glob.globmatch(whole, patterns, flags=flags))
