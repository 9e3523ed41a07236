"""Rates and the time that is left."""

from imageferry.progress_estimate import Estimator
from tests.drivers.jobs import job


def test_nothing_is_told_of_the_end_while_the_listing_goes_on() -> None:
    estimator = Estimator()
    for second in range(20):
        told = estimator.see(job(open_folders=1, discovered=1000, stored=second * 10), at_s=second)
    assert told.left_s is None
    assert told.files_s == 10


def test_a_steady_rate_gives_a_narrow_range_around_the_truth() -> None:
    estimator = Estimator()
    for second in range(20):
        told = estimator.see(job(discovered=1000, stored=second * 10), at_s=second)
    assert told.left_s is not None
    shortest, longest = told.left_s
    assert shortest < (1000 - 190) / 10 < longest
    assert longest < 1.5 * shortest


def test_an_uneven_rate_gives_a_wide_range() -> None:
    estimator, stored = Estimator(), 0
    for second in range(16):
        stored += 40 if second > 8 else 10
        told = estimator.see(job(discovered=5000, stored=stored), at_s=second)
    assert told.left_s is not None
    assert told.left_s[1] > 2 * told.left_s[0]


def test_nothing_is_told_before_it_can_be_known() -> None:
    estimator = Estimator()
    for tenth in range(10):
        told = estimator.see(job(discovered=1000, stored=tenth * 10), at_s=tenth / 10)
    assert told.left_s is None


def test_a_standstill_has_no_end() -> None:
    estimator = Estimator()
    for second in range(30):
        told = estimator.see(job(discovered=1000, stored=5), at_s=second)
    assert (told.files_s, told.left_s) == (0, None)
