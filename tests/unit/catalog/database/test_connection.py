"""A catalog's URL, before anything is asked of it."""

import pytest

from imageferry.catalog.database.connection import Catalog
from imageferry.errors import FatalError, Reason


@pytest.mark.parametrize("url", ["nonsense", "oracle9://host/name", "postgresql://user:word@host:port/name"])
def test_what_is_no_database_is_told_in_a_sentence(url: str) -> None:
    with pytest.raises(FatalError, match="DATABASE_URL is not a database URL") as refused:
        Catalog(url)
    assert refused.value.reason is Reason.MISCONFIGURED
