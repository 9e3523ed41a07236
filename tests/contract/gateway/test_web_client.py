"""What the page's client is made from: the gateway's own description of itself."""

import json

from imageferry.gateway.app import create_app
from imageferry.settings import Settings
from tests.repository import ROOT

KEPT = ROOT / "web" / "openapi.json"


def test_the_page_knows_the_interface_as_it_is() -> None:
    described = json.loads(json.dumps(create_app(Settings.load()).openapi()))
    assert json.loads(KEPT.read_text()) == described, "web/openapi.json is older than the routes: run `make openapi`"
