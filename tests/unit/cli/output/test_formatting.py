"""Sizes, durations, counts and job states as text."""

import pytest

from imageferry.cli.output import formatting
from imageferry.errors import Reason
from imageferry.model import Job, JobState
from tests.drivers.jobs import make_completed_job, make_job


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (79_000, "79.0 kB"), (999_960, "1.0 MB"), (5 * 10**15, "5000.0 TB")],
)
def test_a_size_has_the_unit_that_fits(size_bytes: int, expected: str) -> None:
    assert formatting.format_size(size_bytes) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (95, "1 min 35 s"),
        (1234, "20 min"),
        (7300, "2 h 1 min"),
    ],
)
def test_a_longer_duration_is_formatted_more_coarsely(seconds: float, expected: str) -> None:
    assert formatting.format_duration(seconds) == expected


@pytest.mark.parametrize(
    ("shortest_s", "longest_s", "expected"),
    [(1, 5, "a few seconds"), (12, 20, "12 s to 20 s"), (700, 710, "about 11 min")],
)
def test_an_estimated_time_is_a_coarse_range(shortest_s: float, longest_s: float, expected: str) -> None:
    assert formatting.format_time_range(shortest_s, longest_s) == expected


def test_a_count_shows_that_files_are_still_being_listed() -> None:
    assert formatting.format_discovered(make_job(open_folders=1, discovered=10_240)) == "10,240+ (still counting)"
    assert formatting.format_discovered(make_job(discovered=10_240)) == "10,240"


@pytest.mark.parametrize(
    ("finished_job", "expected"),
    [
        (make_completed_job(), "The folder is empty: nothing to import."),
        (
            make_completed_job(discovered=3, stored=1, skipped=1, failed=1, bytes_stored=1500),
            "1 file stored and verified (1.5 kB), 1 skipped, 1 failed, in 1 min 35 s.",
        ),
        (
            make_completed_job(discovered=3, skipped=3, unchanged=2),
            "Nothing new: 2 files unchanged, 0 bytes transferred, 1 skipped, in 1 min 35 s.",
        ),
        (
            make_job(state=JobState.WAITING, reason=Reason.STORE_FULL, detail="The store is full."),
            "Waiting: The store is full.",
        ),
    ],
)
def test_an_outcome_is_one_line(finished_job: Job, expected: str) -> None:
    assert formatting.format_outcome(finished_job) == expected
