"""A panic of obstore's Rust code is an error of ours: nothing that handles errors would catch it otherwise."""

import asyncio
from datetime import timedelta

import obstore
import pytest
from obstore.store import AzureStore, S3Store

from imageferry.errors import PermanentError, Reason
from imageferry.stores.errors import translate_errors
from imageferry.stores.store import Store


def test_a_panic_in_a_coroutine_is_translated() -> None:
    inner = S3Store(
        "bucket", access_key_id="one\ntwo", secret_access_key="key", region="here", endpoint="http://127.0.0.1:1"
    )
    with pytest.raises(PermanentError, match="Check its settings: region, endpoint, keys") as raised:
        asyncio.run(Store("s3://bucket", inner).check())
    assert raised.value.reason is Reason.REJECTED


def test_a_panic_in_a_call_is_translated() -> None:
    store = AzureStore("container", account_name="account", token="one\ntwo")
    with pytest.raises(PermanentError, match="Check its settings"), translate_errors("az://container"):
        obstore.sign(store, "GET", "key", timedelta(seconds=9))
