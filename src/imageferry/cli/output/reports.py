"""Reports on jobs, imports and plans, as text and as JSON."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imageferry.application.results import ImportResult, JobReport
from imageferry.cli.exit_codes import exit_code_for_result
from imageferry.cli.output import formatting
from imageferry.cli.output.console import Console
from imageferry.cli.output.tables import TableColumn, print_table
from imageferry.errors import FixBy, Reason
from imageferry.model import Job, JobAction

if TYPE_CHECKING:
    from imageferry.pipeline.dry_run import Plan

ID_PREFIX_LENGTH = 8

_PLAN_ADVICE = {
    FixBy.OWNER: "the owner can fix this",
    FixBy.OPERATOR: "you can fix this",
    FixBy.LATER: "try again later",
    FixBy.NOBODY: "can't be fixed",
}


def print_result(console: Console, result: ImportResult) -> None:
    """Print how an import ended, and what to do next."""
    job = result.job
    position = f"{job.processed:,} of {formatting.format_discovered(job)} files"
    if result.detached:
        console.print(f"Detached at {position}. The import continues in the background.")
        console.print("Run the same command again to follow it.")
        console.print(f"Check its progress: imageferry jobs {job.id}")
        return
    if result.interrupted:
        console.print(f"Stopped at {position}.")
        console.print("Run the same command again to continue; `imageferry serve` continues it too.")
        return
    console.print(formatting.format_outcome(job))
    _print_reasons(console, "failed", result.failures)
    if result.failures:
        console.print(f"  List them:       imageferry manifest {job.id}")
        console.print(f"  Try them again:  imageferry retry {job.id}")
    elif not job.state.is_terminal:
        console.print("Run the same command again to continue.")


def result_as_json(result: ImportResult) -> dict[str, Any]:
    """Return how an import ended."""
    return job_as_json(result.job) | {
        "status": "interrupted" if result.interrupted else result.job.state,
        "seconds": round(result.elapsed_s, 3),
        "failures": _reasons_as_json(result.failures),
        "skips": _reasons_as_json(result.skips),
        "exit_code": int(exit_code_for_result(result)),
    }


def print_jobs(console: Console, jobs: Sequence[Job]) -> None:
    """Print jobs as a table."""
    if not jobs:
        console.print("No jobs yet. Start one: imageferry import URL")
        return
    columns = (
        TableColumn(title="job"),
        TableColumn(title="created"),
        TableColumn(title="state"),
        TableColumn(title="stored", is_number=True, wide_only=True),
        TableColumn(title="failed", is_number=True, wide_only=True),
        TableColumn(title="size", is_number=True, wide_only=True),
        TableColumn(title="folder", is_flexible=True),
    )
    rows = [
        (
            job.id[:ID_PREFIX_LENGTH],
            formatting.format_local_time(job.created_at),
            formatting.format_state(job),
            f"{job.stored:,}",
            f"{job.failed:,}",
            formatting.format_size(job.bytes_stored),
            job.folder_name or job.folder_id,
        )
        for job in jobs
    ]
    print_table(console, columns, rows)


def print_report(console: Console, report: JobReport) -> None:
    """Print one job, and the files that were not stored by reason."""
    job = report.job
    lines = [
        ("job", job.id),
        ("folder", job.folder_name or job.folder_id),
        ("storage", job.store),
        ("state", job.state if job.detail is None else f"{job.state}: {job.detail}"),
        ("files", formatting.format_discovered(job)),
        ("stored", f"{job.stored:,} ({formatting.format_size(job.bytes_stored)})"),
        ("skipped", f"{job.skipped:,} ({job.unchanged:,} unchanged)"),
        ("failed", f"{job.failed:,}"),
        *(("next", command) for command in _next_commands(job.id, job.actions)),
    ]
    for name, value in lines:
        console.print(f"{name:<8} {value}")
    _print_reasons(console, "failed", report.failures)
    _print_reasons(console, "skipped", report.skips)


def report_as_json(report: JobReport) -> dict[str, Any]:
    """Return a job, and the files that were not stored by reason."""
    return job_as_json(report.job) | {
        "failures": _reasons_as_json(report.failures),
        "skips": _reasons_as_json(report.skips),
    }


def job_as_json(job: Job) -> dict[str, Any]:
    """Return a job and its counts. `bytes` are of all stored files, `bytes_transferred` were downloaded for them."""
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
        "bytes_transferred": job.bytes_transferred,
        "reason": job.reason,
        "detail": job.detail,
        "priority": job.priority,
        "actions": list(job.actions),
        "created_at": f"{job.created_at.isoformat()}Z",
    }


def print_plan(console: Console, plan: "Plan") -> None:
    """Print what an import would do."""
    folders = "1 folder" if plan.folders == 1 else f"{plan.folders:,} folders"
    console.print(f"“{plan.folder.name}”: {formatting.format_files(plan.files)} in {folders}")
    new = plan.to_store - plan.changed
    # A listing without sizes counts them as 0.
    has_sizes = plan.bytes_to_store > 0 or plan.to_store == 0
    size = formatting.format_size(plan.bytes_to_store) if has_sizes else "size unknown"
    console.print(f"  import     {plan.to_store:>9,}  ({size}; {new:,} new, {plan.changed:,} changed)")
    for mime_type, count in plan.types.most_common():
        console.print(f"             {count:>9,}  {mime_type}")
    console.print(f"  unchanged  {plan.unchanged:>9,}")
    for reason, count in plan.skipped.most_common():
        console.print(f"  skip       {count:>9,}  {reason.sentence}")
    for reason, count in plan.failing.most_common():
        console.print(f"  will fail  {count:>9,}  {reason.sentence} ({_PLAN_ADVICE[reason.fix_by]})")
    console.print("Nothing was transferred. Run the same command without --dry-run to import.")


def plan_as_json(plan: "Plan") -> dict[str, Any]:
    """Return what an import would do."""
    return {
        "status": "planned",
        "folder_id": plan.folder.id,
        "folder_name": plan.folder.name,
        "folders": plan.folders,
        "discovered": plan.files,
        "to_store": plan.to_store,
        "changed": plan.changed,
        "unchanged": plan.unchanged,
        "bytes_to_store": plan.bytes_to_store,
        "types": dict(plan.types),
        "skips": _reasons_as_json(plan.skipped),
        "failures": _reasons_as_json(plan.failing),
        "samples": [file.name for file in plan.samples],
    }


def _next_commands(job_id: str, actions: Sequence[JobAction]) -> list[str]:
    return [f"imageferry {action} {job_id}" for action in actions]


def _print_reasons(console: Console, outcome: str, counts: Mapping[Reason, int]) -> None:
    for reason, count in counts.items():
        console.print(f"  {count:,} {outcome} ({reason}): {reason.sentence} {reason.fix}")


def _reasons_as_json(counts: Mapping[Reason, int]) -> list[dict[str, Any]]:
    return [
        {
            "reason": reason,
            "title": reason.sentence,
            "mender": reason.fix_by,
            "mend": reason.fix,
            "count": count,
        }
        for reason, count in counts.items()
    ]
