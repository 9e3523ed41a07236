"""A worker's roles, before it asks for a broker."""

import pytest

from imageferry.cli.handlers.work import work_for
from imageferry.errors import UsageError
from imageferry.settings import Settings


@pytest.mark.parametrize("roles", ["", ",", " , ", "crawl,sweep"])
def test_a_worker_without_a_role_is_refused(roles: str) -> None:
    with pytest.raises(UsageError, match="name any of crawl, transfer, record"):
        work_for(Settings(), roles=roles)
