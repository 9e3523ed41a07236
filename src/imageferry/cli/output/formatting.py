"""Numbers and states in words."""

from imageferry.model import Job, JobState
from imageferry.progress_estimate import Estimate

_UNITS = ("B", "kB", "MB", "GB", "TB")


def size(size_bytes: float) -> str:
    """Bytes in decimal units: 79000 is `79.0 kB`."""
    unit = 0
    while size_bytes >= 999.95 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - 999.95 rounds to 1000.0
        size_bytes /= 1000
        unit += 1
    return f"{size_bytes:.0f} B" if unit == 0 else f"{size_bytes:.1f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 95 is `1 min 35 s`."""
    if seconds < 9.95:  # noqa: PLR2004 - which rounds to 10.0
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"  # noqa: PLR2004 - coarser
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def time_range(shortest_s: float, longest_s: float) -> str:
    """A range of times, as coarse as a guess is: `12 s to 20 s`."""
    shortest, longest = duration(max(round(shortest_s), 10)), duration(max(round(longest_s), 10))
    if longest_s < 10:  # noqa: PLR2004 - nobody plans by less
        return "some seconds"
    return f"about {longest}" if shortest == longest else f"{shortest} to {longest}"


def files(count: int) -> str:
    """A number of files."""
    return f"{count:,} file" if count == 1 else f"{count:,} files"


def listed(job: Job) -> str:
    """How many files there are, as far as is known: a `+` while the listing goes on."""
    if job.open_folders and not job.state.terminal:
        return f"{job.discovered:,}+ (still counting)"
    return f"{job.discovered:,}"


def progress(job: Job, estimate: Estimate) -> str:
    """How far a job is, in a line."""
    if job.state is JobState.WAITING:
        return f"Waiting: {job.detail}"
    if job.state is JobState.PAUSED:
        return f"Paused at {job.processed:,} of {listed(job)} files: `imageferry resume {job.id}` goes on."
    parts = [f"{job.processed:,} of {listed(job)}"]
    if job.bytes_stored:
        parts.append(size(job.bytes_stored))
    if estimate.files_s >= 1:
        parts.append(f"{estimate.files_s:,.0f} files/s")
    if estimate.bytes_s:
        parts.append(f"{size(estimate.bytes_s)}/s")
    if estimate.left_s:
        parts.append(f"{time_range(*estimate.left_s)} left")
    if job.unchanged:
        parts.append(f"{job.unchanged:,} unchanged")
    if job.failed:
        parts.append(f"{job.failed:,} failed")
    return " · ".join(parts)


def ending(job: Job) -> str:
    """How a job ended, in a line."""
    took = (
        ""
        if job.started_at is None or job.finished_at is None
        else duration((job.finished_at - job.started_at).total_seconds())
    )
    if job.state in {JobState.CANCELLED, JobState.CANCELLING}:
        verb = "Cancelled" if job.state is JobState.CANCELLED else "Cancelling"
        return f"{verb}: {files(job.stored)} stored, {job.skipped:,} skipped, {job.failed:,} failed."
    if job.state is JobState.PAUSED:
        return f"Paused: `imageferry resume {job.id}` goes on."
    if job.state is not JobState.COMPLETED:
        return f"{job.state.capitalize()}: {job.detail or 'no reason was told.'}"
    if job.discovered == 0:
        return "The folder holds no files: nothing to import."
    if job.unchanged and not job.stored:
        parts = [f"Nothing new: {files(job.unchanged)} unchanged, 0 bytes moved"]
    else:
        parts = [f"{files(job.stored)} stored and verified ({size(job.bytes_stored)})"]
        parts += [f"{job.unchanged:,} unchanged"] if job.unchanged else []
    if job.skipped > job.unchanged:
        parts.append(f"{job.skipped - job.unchanged:,} skipped")
    if job.failed:
        parts.append(f"{job.failed:,} failed")
    return f"{', '.join(parts)}, in {took}."
