"""What is to become of a listed file: transferred, skipped or failed, and under which key."""

from collections.abc import Mapping, Sequence

from wcmatch import glob

from imageferry.catalog.images import Held
from imageferry.errors import Reason, UsageError
from imageferry.model import File, Find, ItemState, JobOptions
from imageferry.pipeline.image_types import image_type
from imageferry.stores.keys import object_key

_NATIVE = "application/vnd.google-apps."
# A pattern without a slash is matched at any depth, as rclone and git do; hidden files are files.
_GLOB = glob.GLOBSTAR | glob.MATCHBASE | glob.DOTMATCH | glob.BRACE | glob.IGNORECASE | glob.FORCEUNIX


def judge(
    file: File,
    *,
    folder_id: str,
    path: str,
    options: JobOptions,
    held: Mapping[str, Held],
    folds_case: bool = False,
) -> Find:
    """What is to become of a file, given what the catalog holds already."""
    mime_type = image_type(name=file.name, mime_type=file.mime_type)
    record = held.get(file.id)
    if record is None:
        key = object_key(folder_id=folder_id, file_id=file.id, name=file.name, folds_case=folds_case)
    else:
        key = record.object_key
    state, reason, detail = _verdict(file, mime_type=mime_type, path=path, options=options, record=record)
    transferred = state is ItemState.PENDING
    return Find(
        file=file,
        folder_id=folder_id,
        path=path,
        state=state,
        reason=reason,
        detail=detail,
        object_key=key if transferred or reason is Reason.UNCHANGED else None,
        replaces=transferred and record is not None,
    )


def dangling(file_id: str, name: str, *, folder_id: str, path: str, detail: str) -> Find:
    """What becomes of a shortcut whose target is gone."""
    return Find(
        file=File(id=file_id, name=name, mime_type="application/vnd.google-apps.shortcut"),
        folder_id=folder_id,
        path=path,
        state=ItemState.SKIPPED,
        reason=Reason.DANGLING_SHORTCUT,
        detail=detail,
    )


def check_patterns(options: JobOptions) -> None:
    """Raises UsageError when a pattern cannot be used, as braces that stand for thousands of patterns."""
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
    if not wanted(file.name, path=path, options=options):
        return ItemState.SKIPPED, Reason.EXCLUDED, "The job's include and exclude patterns leave it out."
    if file.size_bytes == 0:
        return ItemState.FAILED, Reason.EMPTY, "The file holds no bytes."
    if not file.downloadable:
        return ItemState.FAILED, Reason.FORBIDDEN, "Its owner does not permit downloads."
    if record is not None and _is_same(file, record):
        return ItemState.SKIPPED, Reason.UNCHANGED, None
    return ItemState.PENDING, None, None


def _is_same(file: File, record: Held) -> bool:
    same_size = file.size_bytes is None or file.size_bytes == record.size_bytes
    return same_size and file.version is not None and file.version == record.version


def _matches(whole: str, patterns: Sequence[str]) -> bool:
    return bool(glob.globmatch(whole, patterns, flags=_GLOB))
