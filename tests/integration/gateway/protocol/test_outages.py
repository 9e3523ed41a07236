"""A gateway whose catalog is away: whoever asks is told so soon, and in a sentence that names no address."""

import asyncio
from pathlib import Path

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_flow import Flow
from tests.servers.brokers import line
from tests.servers.databases import database

ANSWER_WITHIN_S = 20


async def test_what_needs_the_catalog_is_refused_soon_and_in_one_sentence(
    tree: Tree, flow: Flow, tmp_path: Path
) -> None:
    folder = {"folder_url": flow.drive.folder_url(tree.folder("Root"))}
    with database("postgresql", tmp_path) as url:
        async with line(url) as cuttable:
            flow.given["database_url"] = cuttable.url
            async with served(anywhere(flow)) as gateway:
                cuttable.sever()
                await asyncio.gather(
                    refused(gateway, "GET", "/api/jobs"),
                    refused(gateway, "POST", "/api/import/google-drive", folder),
                    refused(gateway, "POST", "/api/import/preview", folder),
                    refused(gateway, "DELETE", "/api/images/1"),
                    refused(gateway, "POST", "/api/images/delete", {"ids": [1]}),
                    refused(gateway, "POST", "/api/images/delete", {"filter": {"q": "a"}}),
                )
                cuttable.mend()


async def refused(gateway: Served, method: str, path: str, body: object = None) -> None:
    async with (
        asyncio.timeout(ANSWER_WITHIN_S),
        gateway.session.request(method, path, json=body) as answer,
    ):
        problem = await answer.json()
        assert (answer.status, problem.get("code")) == (503, "catalog_unavailable"), path
        assert problem["detail"] == "The catalog does not answer: try again in a moment."
        assert int(answer.headers["Retry-After"]) > 0
