"""Run web/e2e: the page in a real browser, on a gateway that imports from the test Drive server."""

import os
from pathlib import Path

import pytest

from tests.e2e.browser_stage import SCRIPT_TIMEOUT_S, browser_stage, missing_requirement, run_script


@pytest.mark.integration
@pytest.mark.timeout(SCRIPT_TIMEOUT_S + 60)
async def test_the_page_works_in_a_browser(tmp_path: Path) -> None:
    if requirement := missing_requirement():
        if os.environ.get("CI") == "true":
            pytest.fail(f"needs {requirement}")
        pytest.skip(f"needs {requirement}")
    async with browser_stage(tmp_path / "home") as environment:
        exit_code, output = await run_script("e2e", environment)
    print(output)  # noqa: T201 - it includes measurements
    assert exit_code == 0, output
