"""The API reference, as a browser loads it."""

import re

from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow


async def test_the_reference_loads_nothing_from_other_hosts(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        async with gateway.session.get("/docs") as response:
            page, policy = await response.text(), response.headers["Content-Security-Policy"]
        parts = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(parts) == 3
        for part in [*parts, "openapi.json"]:
            async with gateway.session.get(f"/{part}") as response:
                assert response.status == 200
                assert len(await response.read()) > 50
        async with gateway.session.get("/docs/other.js") as response:
            assert response.status == 404
    assert "http" not in page + policy
    assert "script-src 'self';" in policy
