"""The roles of a worker are checked before it connects to a broker."""

import pytest

from imageferry.cli.handlers.work import run_worker_until_stopped
from imageferry.errors import UsageError
from imageferry.settings import Settings


@pytest.mark.parametrize("roles", ["", ",", " , ", "crawl,sweep"])
def test_a_worker_without_a_valid_role_is_rejected(roles: str) -> None:
    with pytest.raises(UsageError, match="use crawl, transfer, record"):
        run_worker_until_stopped(Settings(), roles=roles)
