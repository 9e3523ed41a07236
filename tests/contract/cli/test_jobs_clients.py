"""What commands rely on, whether they ask the catalog of this machine or a gateway elsewhere."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from imageferry.cli.clients.jobs import Desk
from imageferry.cli.clients.open import open_desk
from imageferry.cli.exit_codes import Exit
from imageferry.cli.handlers.doctor import examine
from imageferry.cli.output.console import People
from imageferry.clock import utc_now
from imageferry.demo.tree import Tree
from imageferry.errors import ConflictError, FatalError, NotFoundError, Reason, TransientError
from imageferry.model import JobState
from tests.drivers.gateway_process import Served
from tests.drivers.import_flow import Flow

JPEG = b"\xff\xd8\xff\xe0"

pytestmark = pytest.mark.integration


@pytest.fixture(params=["local", "remote"])
async def desk(request: pytest.FixtureRequest, flow: Flow, gateway: Served) -> AsyncIterator[Desk]:
    flow.given |= {"server_url": gateway.url} if request.param == "remote" else {}
    async with open_desk(flow.settings) as opened:
        yield opened


async def test_jobs_are_listed_and_told(tree: Tree, flow: Flow, gateway: Served, desk: Desk) -> None:
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=JPEG)
    tree.file(root, "b.jpg", content=JPEG, downloadable=False)
    tree.document(root, "notes")
    ids = [(await gateway.run(flow.drive.folder_url(root), priority=3))["job_id"] for _ in range(3)]
    assert [job.id for job in await desk.latest(limit=2)] == ids[:0:-1]
    assert await desk.latest(limit=5, state=JobState.PAUSED) == []
    report = await desk.report(ids[0])
    catalogued = await flow.jobs()
    assert (report.job.id, report.job.priority, report.job.folder_name) == (ids[0], 3, "Root")
    assert report.job.options == catalogued[ids[0]].options
    assert report.job.processed == catalogued[ids[0]].processed == 3
    assert report.failures == {Reason.FORBIDDEN: 1}
    assert report.skips == {Reason.NATIVE_DOCUMENT: 1}
    lines = b"".join([page async for page in desk.manifest(ids[0], csv=False)]).splitlines()
    assert {msgspec.json.decode(line)["outcome"] for line in lines} == {"stored", "skipped", "failed"}
    assert len(b"".join([page async for page in desk.manifest(ids[0], csv=True)]).splitlines()) == 4


async def test_jobs_are_taken_in_hand(tree: Tree, flow: Flow, gateway: Served, desk: Desk) -> None:
    root = tree.folder("Root")
    tree.file(root, "b.jpg", content=JPEG, downloadable=False)
    job_id = (await gateway.run(flow.drive.folder_url(root)))["job_id"]
    assert (await desk.retry(job_id, reasons=[Reason.GONE])).state is JobState.COMPLETED
    assert (await desk.retry(job_id, item_ids=[999_999])).state is JobState.COMPLETED
    (item,) = (await gateway.get(f"/api/jobs/{job_id}/items"))["items"]
    assert (await desk.retry(job_id, item_ids=[item["id"]])).failed == 0
    await gateway.ending(job_id)
    assert (await desk.retry(job_id)).failed == 0
    await gateway.ending(job_id)
    with pytest.raises(ConflictError) as refused:
        await desk.pause(job_id)
    assert refused.value.message == "The job is completed, so it is not possible to pause it."
    with pytest.raises(NotFoundError):
        await desk.cancel("none", discard=False)
    with pytest.raises(NotFoundError):
        await anext(desk.manifest("none", csv=False))
    await desk.remove(job_id)
    await desk.remove(job_id)
    assert await desk.latest(limit=1) == []


async def test_jobs_that_ended_long_ago_are_pruned(tree: Tree, flow: Flow, gateway: Served, desk: Desk) -> None:
    root = tree.folder("Root")
    for _ in range(2):
        await gateway.run(flow.drive.folder_url(root))
    assert await desk.prune(before=utc_now() - timedelta(days=1)) == 0
    assert await desk.prune(before=utc_now() + timedelta(days=1)) == 2
    assert await desk.latest(limit=1) == []


async def test_a_gateway_that_refuses_or_is_away_is_told_in_a_sentence(flow: Flow, gateway: Served) -> None:
    flow.given |= {"server_url": gateway.url, "api_token": "another-token-that-is-as-long"}
    async with open_desk(flow.settings) as stranger:
        with pytest.raises(FatalError, match="IMAGEFERRY_API_TOKEN"):
            await stranger.latest(limit=1)
    flow.given["server_url"] = flow.drive.url
    async with open_desk(flow.settings) as elsewhere:
        with pytest.raises(FatalError, match="no imageferry"):
            await elsewhere.latest(limit=1)
    flow.given["server_url"] = "http://127.0.0.1:9"
    async with open_desk(flow.settings) as nowhere:
        with pytest.raises(TransientError, match="No gateway answers"):
            await nowhere.latest(limit=1)


async def test_the_doctor_tells_how_a_gateway_is(
    flow: Flow, gateway: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    async def parts(**given: str) -> dict[str, bool]:
        flow.given |= {"server_url": gateway.url, **given}
        code = await examine(flow.settings, people=People(), as_json=True)
        found = {part["part"]: part["well"] for part in json.loads(capsys.readouterr().out)["parts"]}
        assert (code is Exit.DONE) == all(found.values())
        return found

    assert await parts() == {"gateway": True, "ready": True, "token": True, "version": True}
    assert await parts(api_token="another-token-that-is-as-long") == {"gateway": True, "ready": True, "token": False}
    assert await parts(server_url="http://127.0.0.1:9") == {"gateway": False}
