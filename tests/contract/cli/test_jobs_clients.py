"""Contract of every JobsClient: with the local catalog, and with a remote gateway. Also: the doctor of a gateway."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from imageferry.cli.clients.factory import open_jobs_client
from imageferry.cli.clients.jobs import JobsClient
from imageferry.cli.exit_codes import ExitCode
from imageferry.cli.handlers.doctor import run_checks
from imageferry.cli.output.console import Console
from imageferry.clock import utc_now
from imageferry.demo.tree import Tree
from imageferry.errors import ConflictError, FatalError, NotFoundError, Reason, TransientError
from imageferry.model import JobState
from tests.drivers.gateway_process import GatewayClient
from tests.drivers.import_flow import ImportFlow

JPEG = b"\xff\xd8\xff\xe0"

pytestmark = pytest.mark.integration


@pytest.fixture(params=["local", "remote"])
async def client(request: pytest.FixtureRequest, flow: ImportFlow, gateway: GatewayClient) -> AsyncIterator[JobsClient]:
    flow.setting_overrides |= {"server_url": gateway.url} if request.param == "remote" else {}
    async with open_jobs_client(flow.settings) as opened:
        yield opened


async def test_jobs_are_listed_and_reported(
    tree: Tree, flow: ImportFlow, gateway: GatewayClient, client: JobsClient
) -> None:
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=JPEG)
    tree.file(root, "b.jpg", content=JPEG, downloadable=False)
    tree.document(root, "notes")
    ids = [(await gateway.import_folder(flow.drive.folder_url(root), priority=3))["job_id"] for _ in range(3)]
    assert [job.id for job in await client.newest(limit=2)] == ids[:0:-1]
    assert await client.newest(limit=5, state=JobState.PAUSED) == []
    assert [job.id for job in await client.newest(limit=2, id_prefix=ids[1][:8])] == [ids[1]]
    assert await client.newest(limit=2, id_prefix="%") == []
    report = await client.report(ids[0])
    catalogued = await flow.jobs()
    assert (report.job.id, report.job.priority, report.job.folder_name) == (ids[0], 3, "Root")
    assert report.job.options == catalogued[ids[0]].options
    assert report.job.processed == catalogued[ids[0]].processed == 3
    assert report.failures == {Reason.FORBIDDEN: 1}
    assert report.skips == {Reason.NATIVE_DOCUMENT: 1}
    lines = b"".join([chunk async for chunk in client.manifest(ids[0], csv=False)]).splitlines()
    assert {msgspec.json.decode(line)["outcome"] for line in lines} == {"stored", "skipped", "failed"}
    assert len(b"".join([chunk async for chunk in client.manifest(ids[0], csv=True)]).splitlines()) == 4


async def test_jobs_are_retried_paused_cancelled_and_removed(
    tree: Tree, flow: ImportFlow, gateway: GatewayClient, client: JobsClient
) -> None:
    root = tree.folder("Root")
    tree.file(root, "b.jpg", content=JPEG, downloadable=False)
    job_id = (await gateway.import_folder(flow.drive.folder_url(root)))["job_id"]
    assert (await client.retry(job_id, reasons=[Reason.GONE])).state is JobState.COMPLETED
    assert (await client.retry(job_id, item_ids=[999_999])).state is JobState.COMPLETED
    (item,) = (await gateway.get(f"/api/jobs/{job_id}/items"))["items"]
    assert (await client.retry(job_id, item_ids=[item["id"]])).failed == 0
    await gateway.wait_until_finished(job_id)
    assert (await client.retry(job_id)).failed == 0
    await gateway.wait_until_finished(job_id)
    with pytest.raises(ConflictError) as raised:
        await client.pause(job_id)
    assert raised.value.message == "You can't pause a job that is completed."
    with pytest.raises(NotFoundError):
        await client.cancel("none", discard=False)
    with pytest.raises(NotFoundError):
        await anext(client.manifest("none", csv=False))
    await client.remove(job_id)
    await client.remove(job_id)
    assert await client.newest(limit=1) == []


async def test_old_jobs_are_pruned(tree: Tree, flow: ImportFlow, gateway: GatewayClient, client: JobsClient) -> None:
    root = tree.folder("Root")
    for _ in range(2):
        await gateway.import_folder(flow.drive.folder_url(root))
    assert await client.prune(before=utc_now() - timedelta(days=1)) == 0
    assert await client.prune(before=utc_now() + timedelta(days=1)) == 2
    assert await client.newest(limit=1) == []


async def test_a_gateway_that_rejects_or_does_not_answer_is_reported_in_a_sentence(
    flow: ImportFlow, gateway: GatewayClient
) -> None:
    flow.setting_overrides |= {"server_url": gateway.url, "api_token": "another-token-that-is-as-long"}
    async with open_jobs_client(flow.settings) as unauthorized:
        with pytest.raises(FatalError, match="IMAGEFERRY_API_TOKEN"):
            await unauthorized.newest(limit=1)
    flow.setting_overrides["server_url"] = flow.drive.url
    async with open_jobs_client(flow.settings) as other_server:
        with pytest.raises(FatalError, match="not imageferry"):
            await other_server.newest(limit=1)
    flow.setting_overrides["server_url"] = "http://127.0.0.1:9"
    async with open_jobs_client(flow.settings) as unreachable:
        with pytest.raises(TransientError, match="Can't reach imageferry"):
            await unreachable.newest(limit=1)


async def test_the_doctor_checks_a_remote_gateway(
    flow: ImportFlow, gateway: GatewayClient, capsys: pytest.CaptureFixture[str]
) -> None:
    async def checks(**overrides: str) -> dict[str, bool]:
        flow.setting_overrides |= {"server_url": gateway.url, **overrides}
        code = await run_checks(flow.settings, console=Console(), as_json=True)
        results = {check["name"]: check["ok"] for check in json.loads(capsys.readouterr().out)["checks"]}
        assert (code is ExitCode.SUCCESS) == all(results.values())
        return results

    assert await checks() == {"gateway": True, "ready": True, "token": True, "version": True}
    assert await checks(api_token="another-token-that-is-as-long") == {"gateway": True, "ready": True, "token": False}
    assert await checks(server_url="http://127.0.0.1:9") == {"gateway": False}
