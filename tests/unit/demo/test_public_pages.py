"""What strangers see of folders and files."""

import re
from urllib.parse import urlsplit

from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.entries import Sharing
from imageferry.demo.faults import Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.unit.demo.conftest import Asker


async def test_a_folder_page_leads_to_everything_in_it(tree: Tree, asker: Asker) -> None:
    root = tree.folder("Root & <more>")
    file = tree.file(root, '"a" & <b>.jpg', content=b"a")
    inner = tree.folder("Inner", parent=root, keyed=True)
    target = tree.folder("Elsewhere")
    tree.shortcut(root, to=target)
    document = tree.document(root, "Notes")

    page = (await asker.get("/embeddedfolderview", id=root.id)).body.decode()

    assert "<title>Root &amp; &lt;more&gt;</title>" in page
    assert re.findall(r'<a href="([^"]+)"', page) == [
        f"https://drive.google.com/file/d/{file.id}/view?usp=drive_web",
        f"https://drive.google.com/drive/folders/{inner.id}?resourcekey={inner.resource_key}&amp;usp=drive_web",
        f"https://drive.google.com/drive/folders/{target.id}?usp=drive_web",
        f"https://docs.google.com/document/d/{document.id}/edit?usp=drive_web",
    ]
    assert '<div class="flip-entry-title">&quot;a&quot; &amp; &lt;b&gt;.jpg</div>' in page
    assert '<div class="flip-entry-last-modified"><div>May 1, 2024</div></div>' in page


async def test_a_small_file_is_two_steps_away(tree: Tree, asker: Asker) -> None:
    file = tree.file(tree.folder("Root"), "grüße.jpg", content=b"a")

    step = await asker.get("/uc", export="download", id=file.id)
    answer = await asker.get(urlsplit(step.headers["Location"]).path, id=file.id, export="download")

    assert step.status == 303
    assert answer.body == b"a"
    assert "filename*=UTF-8''gr%C3%BC%C3%9Fe.jpg" in answer.headers["Content-Disposition"]


async def test_a_large_file_wants_to_be_confirmed(tree: Tree, asker: Asker, drive: StandIn) -> None:
    file = tree.file(tree.folder("Root"), "large.jpg", content=b"a" * 1_001)

    warning = (await asker.get("/download", id=file.id)).body.decode()
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', warning))
    answer = await asker.get("/download", **form)

    assert f'<form id="download-form" action="{drive.url}/download"' in warning
    assert form.keys() == {"id", "export", "confirm", "uuid"}
    assert len(answer.body) == 1_001
    assert drive.requests.count(Operation.WEB_CONFIRM) == drive.requests.count(Operation.WEB_DOWNLOAD) == 1


async def test_strangers_are_kept_from_what_is_not_public(tree: Tree, asker: Asker) -> None:
    private = tree.folder("Private", sharing=Sharing.ACCOUNT)
    keyed = tree.folder("Old", keyed=True)

    kept_out = await asker.get("/embeddedfolderview", id=private.id)
    signing_in = await asker.get(kept_out.headers["Location"])

    assert kept_out.status == 302
    assert (signing_in.status, b"Sign in" in signing_in.body) == (200, True)
    assert (await asker.get("/embeddedfolderview", id="1missing")).status == 404
    assert (await asker.get("/embeddedfolderview", id=keyed.id)).status == 404
    opened = await asker.get("/embeddedfolderview", id=keyed.id, resourcekey=keyed.resource_key or "")
    assert opened.status == 200


async def test_pages_refuse_in_html(tree: Tree, asker: Asker, drive: StandIn) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=b"a")
    drive.faults.add(
        Fault(kind=Refusal.DOWNLOAD_QUOTA, on=Operation.WEB_DOWNLOAD, times=1),
        Fault(kind=Refusal.SORRY, on=Operation.WEB_DOWNLOAD, times=1),
        Fault(kind=Refusal.INTERNAL, on=Operation.WEB_DOWNLOAD, times=1),
    )

    answers = [await asker.get("/download", id=file.id) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 429, 500]
    assert b"Quota exceeded" in answers[0].body
    assert all(answer.headers["Content-Type"].startswith("text/html") for answer in answers)
