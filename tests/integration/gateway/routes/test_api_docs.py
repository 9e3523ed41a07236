"""The interface's reference, as a browser loads it."""

import re

from tests.drivers.gateway_process import anywhere, served
from tests.drivers.import_flow import Flow


async def test_the_reference_loads_nothing_from_elsewhere(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        async with gateway.session.get("/docs") as answer:
            page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
        parts = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(parts) == 3
        for part in [*parts, "openapi.json"]:
            async with gateway.session.get(f"/{part}") as answer:
                assert answer.status == 200
                assert len(await answer.read()) > 50
        async with gateway.session.get("/docs/other.js") as answer:
            assert answer.status == 404
    assert "http" not in page + policy
    assert "script-src 'self';" in policy
