"""Results of the use cases."""

from collections.abc import Mapping

from msgspec import Struct

from imageferry.errors import Reason
from imageferry.model import Job


class JobReport(Struct, frozen=True, kw_only=True):
    """A job, and the number of files that were not stored, by reason."""

    job: Job
    failures: Mapping[Reason, int]
    skips: Mapping[Reason, int]


class ImportResult(JobReport, frozen=True, kw_only=True):
    """How the work on a job ended in this process.

    `job.state` is `COMPLETED`, `FAILED` or `CANCELLED` once the job has finished. It is `WAITING`, with `job.reason`
    and `job.detail`, when the source or the store stayed unavailable; importing the folder again resumes the job.
    """

    interrupted: bool  # by the caller, before the job finished
    detached: bool  # interrupted, and other processes continue the job
    elapsed_s: float  # of this call
