"""A gateway whose catalog is unavailable: requests fail at a deadline, with a sentence that reveals no host."""

import asyncio
from pathlib import Path

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow
from tests.servers.brokers import cuttable_proxy
from tests.servers.databases import database


async def test_requests_that_need_the_catalog_fail_at_the_deadline_with_one_sentence(
    tree: Tree, flow: ImportFlow, tmp_path: Path
) -> None:
    folder = {"folder_url": flow.drive.folder_url(tree.folder("Root"))}
    with database("postgresql", tmp_path) as url:
        async with cuttable_proxy(url) as proxy:
            flow.setting_overrides["database_url"] = proxy.url
            async with running_gateway(on_free_port(flow)) as gateway:
                proxy.sever()
                await asyncio.gather(
                    assert_unavailable(gateway, "GET", "/api/jobs"),
                    assert_unavailable(gateway, "POST", "/api/import/google-drive", folder),
                    assert_unavailable(gateway, "POST", "/api/import/preview", folder),
                    assert_unavailable(gateway, "DELETE", "/api/images/1"),
                    assert_unavailable(gateway, "POST", "/api/images/delete", {"ids": [1]}),
                    assert_unavailable(gateway, "POST", "/api/images/delete", {"filter": {"q": "a"}}),
                )
                proxy.restore()


async def assert_unavailable(gateway: GatewayClient, method: str, path: str, body: object = None) -> None:
    async with gateway.session.request(method, path, json=body) as response:
        problem = await response.json()
        assert (response.status, problem.get("code")) == (503, "catalog_unavailable"), path
        # The gateway's own deadline; the catalog would retry for a minute and give another reason.
        assert problem["detail"] == "The database is not responding. Try again in a moment."
        assert int(response.headers["Retry-After"]) > 0
