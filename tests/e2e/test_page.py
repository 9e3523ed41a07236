"""The page in a real browser, on a real gateway that imports from the stand-in: web/e2e says what is tried."""

import os
from pathlib import Path

import pytest

from tests.e2e.browser_stage import SCRIPT_TIMEOUT_S, browser_stage, missing_requirement, run_script


@pytest.mark.integration
@pytest.mark.timeout(SCRIPT_TIMEOUT_S + 60)
async def test_the_page_does_what_people_expect_of_it(tmp_path: Path) -> None:
    if lacking := missing_requirement():
        if os.environ.get("CI") == "true":
            pytest.fail(f"It cannot be tried without {lacking}")
        pytest.skip(f"needs {lacking}")
    async with browser_stage(tmp_path / "home") as told:
        code, said = await run_script("e2e", told)
    print(said)  # noqa: T201 - the measurements among it are worth reading
    assert code == 0, said
