"""What a command tells at its end, in words and as JSON."""

from collections.abc import Mapping
from typing import Any

from imageferry.cli.clients.jobs import Report
from imageferry.cli.handlers.import_ import Ending
from imageferry.cli.output import formatting
from imageferry.cli.output.console import People
from imageferry.errors import Mender, Reason
from imageferry.model import Job
from imageferry.pipeline.dry_run import Plan

_ADVICE = {
    Mender.OWNER: "its owner can mend it",
    Mender.OPERATOR: "you can mend it",
    Mender.LATER: "try again later",
    Mender.NOBODY: "nothing to be done",
}


def ending(people: People, end: Ending) -> None:
    """Say how an import ended."""
    if end.detached:
        people.tell(f"Detached at {end.job.processed:,} of {formatting.listed(end.job)} files.")
        people.tell("The workers go on without this command; the same command comes back to it.")
        people.tell(f"Its job is {end.job.id}: `imageferry jobs` lists how far it is.")
        return
    if end.interrupted:
        people.tell(f"Stopped at {end.job.processed:,} of {formatting.listed(end.job)} files.")
        people.tell("The same command goes on from here; so does `imageferry serve`.")
        return
    people.tell(formatting.ending(end.job))
    for reason, count in end.failures.items():
        people.tell(f"  {count:,} failed ({reason}): {reason.sentence} {reason.mend}")
    if end.failures:
        people.tell(f"  Each of them: imageferry manifest {end.job.id}")
        people.tell(f"  To try them again: imageferry retry {end.job.id}")
    elif not end.job.state.terminal:
        people.tell("The same command goes on from here.")


def ending_as_json(end: Ending) -> dict[str, Any]:
    """How an import ended; `bytes` are stored, `bytes_moved` came over the wire."""
    return job_as_json(end.job) | {
        "status": "interrupted" if end.interrupted else end.job.state,
        "seconds": round(end.seconds, 3),
        "failures": _causes(end.failures),
        "skips": _causes(end.skips),
        "exit_code": int(end.exit),
    }


def job(people: People, found: Report) -> None:
    """Say how a job stands, and why files of it were not stored."""
    job = found.job
    lines = [
        ("job", job.id),
        ("folder", job.folder_name or job.folder_id),
        ("store", job.store),
        ("state", job.state if job.detail is None else f"{job.state}: {job.detail}"),
        ("files", formatting.listed(job)),
        ("stored", f"{job.stored:,} ({formatting.size(job.bytes_stored)})"),
        ("skipped", f"{job.skipped:,}, of these {job.unchanged:,} unchanged"),
        ("failed", f"{job.failed:,}"),
        ("possible", ", ".join(job.actions) or "nothing"),
    ]
    for name, value in lines:
        people.tell(f"{name:<9} {value}")
    for what, causes in (("failed", found.failures), ("skipped", found.skips)):
        for reason, count in causes.items():
            people.tell(f"  {count:,} {what} ({reason}): {reason.sentence} {reason.mend}")


def report_as_json(found: Report) -> dict[str, Any]:
    """A job, and why files of it were not stored."""
    return job_as_json(found.job) | {"failures": _causes(found.failures), "skips": _causes(found.skips)}


def job_as_json(job: Job) -> dict[str, Any]:
    """A job, and how far it is."""
    return {
        "job_id": job.id,
        "status": job.state,
        "folder_id": job.folder_id,
        "folder_name": job.folder_name,
        "store": job.store,
        "discovered": job.discovered,
        "listing_done": job.open_folders == 0,
        "stored": job.stored,
        "skipped": job.skipped,
        "unchanged": job.unchanged,
        "failed": job.failed,
        "bytes": job.bytes_stored,
        "bytes_moved": job.bytes_moved,
        "reason": job.reason,
        "detail": job.detail,
        "priority": job.priority,
        "actions": list(job.actions),
        "created_at": f"{job.created_at.isoformat()}Z",
    }


def plan(people: People, found: Plan) -> None:
    """Say what an import would do."""
    folders = "1 folder" if found.folders == 1 else f"{found.folders:,} folders"
    people.tell(f"“{found.folder.name}”: {formatting.files(found.files)} in {folders}")
    new = found.to_store - found.changed
    size = formatting.size(found.bytes_to_store)
    people.tell(f"  to store   {found.to_store:>9,}  ({size}; {new:,} new, {found.changed:,} changed)")
    for mime_type, count in found.types.most_common():
        people.tell(f"             {count:>9,}  {mime_type}")
    people.tell(f"  unchanged  {found.unchanged:>9,}")
    for reason, count in found.skipped.most_common():
        people.tell(f"  to skip    {count:>9,}  {reason}")
    for reason, count in found.failing.most_common():
        people.tell(f"  will fail  {count:>9,}  {reason} ({_ADVICE[reason.mender]})")
    people.tell("No byte was moved. Without --dry-run the same command imports it.")


def plan_as_json(found: Plan) -> dict[str, Any]:
    """What an import would do."""
    return {
        "status": "planned",
        "folder_id": found.folder.id,
        "folder_name": found.folder.name,
        "folders": found.folders,
        "discovered": found.files,
        "to_store": found.to_store,
        "changed": found.changed,
        "unchanged": found.unchanged,
        "bytes_to_store": found.bytes_to_store,
        "types": dict(found.types),
        "skips": _causes(found.skipped),
        "failures": _causes(found.failing),
        "samples": [file.name for file in found.samples],
    }


def _causes(causes: Mapping[Reason, int]) -> list[dict[str, Any]]:
    return [
        {
            "reason": reason,
            "title": reason.sentence,
            "mender": reason.mender,
            "mend": reason.mend,
            "count": count,
        }
        for reason, count in causes.items()
    ]
