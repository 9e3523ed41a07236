"""The OpenAPI document that the web page's API client is generated from."""

import json

from imageferry.gateway.app import create_app
from imageferry.settings import Settings
from tests.repository import ROOT

SAVED_DOCUMENT = ROOT / "web" / "openapi.json"


def test_the_saved_document_is_current() -> None:
    document = json.loads(json.dumps(create_app(Settings.load()).openapi()))
    assert json.loads(SAVED_DOCUMENT.read_text()) == document, "web/openapi.json is outdated: run `make openapi`"
