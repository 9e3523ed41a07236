"""Numbers and states in words."""

import pytest

from imageferry.cli.output import formatting
from imageferry.errors import Reason
from imageferry.model import Job, JobState
from tests.drivers.jobs import ended, job


@pytest.mark.parametrize(
    ("size_bytes", "told"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (79_000, "79.0 kB"), (999_960, "1.0 MB"), (5 * 10**15, "5000.0 TB")],
)
def test_sizes_have_a_unit_that_fits(size_bytes: int, told: str) -> None:
    assert formatting.size(size_bytes) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
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
def test_durations_are_as_coarse_as_they_are_long(seconds: float, told: str) -> None:
    assert formatting.duration(seconds) == told


@pytest.mark.parametrize(
    ("shortest_s", "longest_s", "told"), [(1, 5, "some seconds"), (12, 20, "12 s to 20 s"), (700, 710, "about 11 min")]
)
def test_a_range_of_times_is_no_more_exact_than_a_guess(shortest_s: float, longest_s: float, told: str) -> None:
    assert formatting.time_range(shortest_s, longest_s) == told


def test_a_count_shows_that_it_still_grows() -> None:
    assert formatting.listed(job(open_folders=1, discovered=10_240)) == "10,240+ (still counting)"
    assert formatting.listed(job(discovered=10_240)) == "10,240"


@pytest.mark.parametrize(
    ("told_of", "told"),
    [
        (ended(), "The folder holds no files: nothing to import."),
        (
            ended(discovered=3, stored=1, skipped=1, failed=1, bytes_stored=1500),
            "1 file stored and verified (1.5 kB), 1 skipped, 1 failed, in 1 min 35 s.",
        ),
        (
            ended(discovered=3, skipped=3, unchanged=2),
            "Nothing new: 2 files unchanged, 0 bytes moved, 1 skipped, in 1 min 35 s.",
        ),
        (
            job(state=JobState.WAITING, reason=Reason.STORE_FULL, detail="The store is full."),
            "Waiting: The store is full.",
        ),
    ],
)
def test_an_ending_is_told_in_a_line(told_of: Job, told: str) -> None:
    assert formatting.ending(told_of) == told
