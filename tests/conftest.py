"""Fixtures of all tests: seeded randomness. Keep imports of the product out of here: every test run pays for them."""

import os
import random

import pytest

SEED_VARIABLE = "IMAGEFERRY_TEST_SEED"


def pytest_configure() -> None:
    """Choose the seed once, before pytest-xdist starts its workers: they inherit the environment."""
    os.environ.setdefault(SEED_VARIABLE, str(random.SystemRandom().randrange(1_000_000)))


def pytest_report_header() -> str:
    """Print the seed, so that a failure can be repeated."""
    return f"seed: {os.environ[SEED_VARIABLE]} (repeat with {SEED_VARIABLE}={os.environ[SEED_VARIABLE]})"


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """A random generator of the test's own, seeded by the session's seed and the test's id."""
    return random.Random(f"{os.environ[SEED_VARIABLE]} {request.node.nodeid}")
