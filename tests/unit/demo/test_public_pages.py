"""The public pages of folders and files."""

import re
from urllib.parse import urlsplit

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Sharing
from imageferry.demo.faults import Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.unit.demo.conftest import ApiClient


async def test_a_folder_page_links_to_all_its_entries(tree: Tree, client: ApiClient) -> None:
    root = tree.folder("Root & <more>")
    file = tree.file(root, '"a" & <b>.jpg', content=b"a")
    inner = tree.folder("Inner", parent=root, with_resource_key=True)
    target = tree.folder("Elsewhere")
    tree.shortcut(root, to=target)
    document = tree.document(root, "Notes")

    page = (await client.get("/embeddedfolderview", id=root.id)).body.decode()

    assert "<title>Root &amp; &lt;more&gt;</title>" in page
    assert re.findall(r'<a href="([^"]+)"', page) == [
        f"https://drive.google.com/file/d/{file.id}/view?usp=drive_web",
        f"https://drive.google.com/drive/folders/{inner.id}?resourcekey={inner.resource_key}&amp;usp=drive_web",
        f"https://drive.google.com/drive/folders/{target.id}?usp=drive_web",
        f"https://docs.google.com/document/d/{document.id}/edit?usp=drive_web",
    ]
    assert '<div class="flip-entry-title">&quot;a&quot; &amp; &lt;b&gt;.jpg</div>' in page
    assert '<div class="flip-entry-last-modified"><div>May 1, 2024</div></div>' in page


async def test_a_small_file_is_downloaded_after_one_redirect(tree: Tree, client: ApiClient) -> None:
    file = tree.file(tree.folder("Root"), "grüße.jpg", content=b"a")

    redirect = await client.get("/uc", export="download", id=file.id)
    response = await client.get(urlsplit(redirect.headers["Location"]).path, id=file.id, export="download")

    assert redirect.status == 303
    assert response.body == b"a"
    assert "filename*=UTF-8''gr%C3%BC%C3%9Fe.jpg" in response.headers["Content-Disposition"]


async def test_the_download_of_a_large_file_must_be_confirmed(
    tree: Tree, client: ApiClient, drive: DriveTestServer
) -> None:
    file = tree.file(tree.folder("Root"), "large.jpg", content=b"a" * 1_001)

    warning = (await client.get("/download", id=file.id)).body.decode()
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', warning))
    response = await client.get("/download", **form)

    assert f'<form id="download-form" action="{drive.url}/download"' in warning
    assert form.keys() == {"id", "export", "confirm", "uuid"}
    assert len(response.body) == 1_001
    assert drive.requests.count(Operation.WEB_CONFIRM) == drive.requests.count(Operation.WEB_DOWNLOAD) == 1


async def test_private_folders_redirect_to_the_sign_in_page(tree: Tree, client: ApiClient) -> None:
    private = tree.folder("Private", sharing=Sharing.ACCOUNT)
    keyed = tree.folder("Old", with_resource_key=True)

    redirect = await client.get("/embeddedfolderview", id=private.id)
    sign_in_page = await client.get(redirect.headers["Location"])

    assert redirect.status == 302
    assert (sign_in_page.status, b"Sign in" in sign_in_page.body) == (200, True)
    assert (await client.get("/embeddedfolderview", id="1missing")).status == 404
    assert (await client.get("/embeddedfolderview", id=keyed.id)).status == 404
    opened = await client.get("/embeddedfolderview", id=keyed.id, resourcekey=keyed.resource_key or "")
    assert opened.status == 200


async def test_errors_of_pages_are_html(tree: Tree, client: ApiClient, drive: DriveTestServer) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=b"a")
    drive.faults.add(
        Fault(kind=ErrorKind.DOWNLOAD_QUOTA, on=Operation.WEB_DOWNLOAD, times=1),
        Fault(kind=ErrorKind.SORRY, on=Operation.WEB_DOWNLOAD, times=1),
        Fault(kind=ErrorKind.INTERNAL, on=Operation.WEB_DOWNLOAD, times=1),
    )

    responses = [await client.get("/download", id=file.id) for _ in range(3)]

    assert [response.status for response in responses] == [200, 429, 500]
    assert b"Quota exceeded" in responses[0].body
    assert all(response.headers["Content-Type"].startswith("text/html") for response in responses)
