"""Rates and the remaining time."""

from imageferry.progress_estimate import Estimator
from tests.drivers.jobs import make_job


def test_the_remaining_time_is_unknown_while_folders_are_listed() -> None:
    estimator = Estimator()
    for second in range(20):
        estimate = estimator.update(make_job(open_folders=1, discovered=1000, stored=second * 10), at_s=second)
    assert estimate.remaining_s is None
    assert estimate.files_per_s == 10


def test_a_steady_rate_gives_a_narrow_range_around_the_true_time() -> None:
    estimator = Estimator()
    for second in range(20):
        estimate = estimator.update(make_job(discovered=1000, stored=second * 10), at_s=second)
    assert estimate.remaining_s is not None
    shortest, longest = estimate.remaining_s
    assert shortest < (1000 - 190) / 10 < longest
    assert longest < 1.5 * shortest


def test_an_uneven_rate_gives_a_wide_range() -> None:
    estimator, stored = Estimator(), 0
    for second in range(16):
        stored += 40 if second > 8 else 10
        estimate = estimator.update(make_job(discovered=5000, stored=stored), at_s=second)
    assert estimate.remaining_s is not None
    assert estimate.remaining_s[1] > 2 * estimate.remaining_s[0]


def test_the_remaining_time_is_unknown_with_too_few_samples() -> None:
    estimator = Estimator()
    for tenth in range(10):
        estimate = estimator.update(make_job(discovered=1000, stored=tenth * 10), at_s=tenth / 10)
    assert estimate.remaining_s is None


def test_the_remaining_time_is_unknown_while_nothing_progresses() -> None:
    estimator = Estimator()
    for second in range(30):
        estimate = estimator.update(make_job(discovered=1000, stored=5), at_s=second)
    assert (estimate.files_per_s, estimate.remaining_s) == (0, None)
