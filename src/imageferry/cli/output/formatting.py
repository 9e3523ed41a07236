"""Sizes, durations, counts and job states as text."""

from datetime import UTC, datetime

from imageferry.model import Job, JobState
from imageferry.progress_estimate import Estimate

_UNITS = ("B", "kB", "MB", "GB", "TB")


def format_size(size_bytes: float) -> str:
    """Format a number of bytes in decimal units: 79000 is `79.0 kB`."""
    unit = 0
    while size_bytes >= 999.95 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - 999.95 rounds to 1000.0
        size_bytes /= 1000
        unit += 1
    return f"{size_bytes:.0f} B" if unit == 0 else f"{size_bytes:.1f} {_UNITS[unit]}"


def format_duration(seconds: float) -> str:
    """Format a duration, more coarsely the longer it is: 95 is `1 min 35 s`."""
    if seconds < 9.95:  # noqa: PLR2004 - 9.95 rounds to 10.0
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"  # noqa: PLR2004 - no seconds from ten minutes on
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def format_time_range(shortest_s: float, longest_s: float) -> str:
    """Format an estimated range of durations: `12 s to 20 s`."""
    shortest, longest = format_duration(max(round(shortest_s), 10)), format_duration(max(round(longest_s), 10))
    if longest_s < 10:  # noqa: PLR2004 - an estimate is no more exact than that
        return "a few seconds"
    return f"about {longest}" if shortest == longest else f"{shortest} to {longest}"


def format_files(count: int) -> str:
    """Format a number of files: `1 file`, `2,000 files`."""
    return f"{count:,} file" if count == 1 else f"{count:,} files"


def format_discovered(job: Job) -> str:
    """Format the number of files found so far, with a `+` while the job still lists folders."""
    if job.open_folders and not job.state.is_terminal:
        return f"{job.discovered:,}+ (still counting)"
    return f"{job.discovered:,}"


def format_state(job: Job) -> str:
    """Format a job's state, with the share of its files once all of them are known: `running 57%`."""
    is_counted = job.discovered > 0 and not job.open_folders and not job.state.is_terminal
    return f"{job.state} {100 * job.processed // job.discovered}%" if is_counted else job.state


def format_local_time(time: datetime) -> str:
    """Format a UTC time without a zone in this machine's zone: `Nov 29 23:50`, or `Nov 29 2025` in another year."""
    local = time.replace(tzinfo=UTC).astimezone()
    is_this_year = local.year == datetime.now(local.tzinfo).year
    return f"{local:%b %d %H:%M}" if is_this_year else f"{local:%b %d %Y}"


def format_progress(job: Job, estimate: Estimate) -> str:
    """Format the progress of an unfinished job as one line."""
    if job.state is JobState.WAITING:
        return f"Waiting: {job.detail}"
    if job.state is JobState.PAUSED:
        return f"Paused at {job.processed:,} of {format_discovered(job)} files. Continue: imageferry resume {job.id}"
    parts = [f"{job.processed:,} of {format_discovered(job)}"]
    if job.bytes_stored:
        parts.append(format_size(job.bytes_stored))
    if estimate.files_per_s >= 1:
        parts.append(f"{estimate.files_per_s:,.0f} files/s")
    if estimate.bytes_per_s:
        parts.append(f"{format_size(estimate.bytes_per_s)}/s")
    if estimate.remaining_s:
        parts.append(f"{format_time_range(*estimate.remaining_s)} left")
    if job.unchanged:
        parts.append(f"{job.unchanged:,} unchanged")
    if job.failed:
        parts.append(f"{job.failed:,} failed")
    return " · ".join(parts)


def format_outcome(job: Job) -> str:
    """Format the outcome of a job, or why it does not continue, as one line."""
    duration = (
        ""
        if job.started_at is None or job.finished_at is None
        else format_duration((job.finished_at - job.started_at).total_seconds())
    )
    if job.state in {JobState.CANCELLED, JobState.CANCELLING}:
        verb = "Cancelled" if job.state is JobState.CANCELLED else "Cancelling"
        return f"{verb}: {format_files(job.stored)} stored, {job.skipped:,} skipped, {job.failed:,} failed."
    if job.state is JobState.PAUSED:
        return f"Paused. Continue: imageferry resume {job.id}"
    if job.state is not JobState.COMPLETED:
        return f"{job.state.capitalize()}: {job.detail or 'no reason was given.'}"
    if job.discovered == 0:
        return "The folder is empty: nothing to import."
    if job.unchanged and not job.stored:
        parts = [f"Nothing new: {format_files(job.unchanged)} unchanged, 0 bytes transferred"]
    else:
        parts = [f"{format_files(job.stored)} stored and verified ({format_size(job.bytes_stored)})"]
        parts += [f"{job.unchanged:,} unchanged"] if job.unchanged else []
    if job.skipped > job.unchanged:
        parts.append(f"{job.skipped - job.unchanged:,} skipped")
    if job.failed:
        parts.append(f"{job.failed:,} failed")
    return f"{', '.join(parts)}, in {duration}."
