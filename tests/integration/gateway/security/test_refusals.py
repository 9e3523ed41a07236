"""Invalid requests: each is answered with a problem and has no effect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from http.client import HTTPConnection

import pytest
import pytest_asyncio

from imageferry.settings import Settings
from tests.drivers.gateway_process import GatewayClient, running_gateway

# Invalid requests have no effect, so all tests share one gateway.
pytestmark = pytest.mark.asyncio(loop_scope="module")

FOLDER_URL = "https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWxYz012345"
JSON = {"Content-Type": "application/json"}
IMPORT = "/api/import/google-drive"
NOWHERE = "http://127.0.0.1:9"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayClient]:
    settings = Settings.load(
        home=tmp_path_factory.mktemp("home"),
        port=0,
        google_drive_endpoint=NOWHERE,
        google_drive_web_endpoint=NOWHERE,
    )
    async with running_gateway(settings) as gateway:
        yield gateway


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "folder_url"),
        ({"folder_url": None}, "folder_url"),
        ({"folder_url": ""}, "folder_url"),
        ({"folder_url": 7}, "folder_url"),
        ({"folder_url": FOLDER_URL, "folderUrl": FOLDER_URL}, "one folder link"),
        ({"folder_url": "https://example.com/"}, "not a link to a Google Drive folder"),
        ({"folder_url": "https://drive.google.com/file/d/1AbCdEfGhIjKlMnOpQrStUvWxYz012345/view"}, "folder"),
        ({"folder_url": "x" * 5000}, "folder_url"),
        ({"folder_url": FOLDER_URL, "recursive": 1}, "recursive"),
        ({"folder_url": FOLDER_URL, "recursive": 1e308}, "recursive"),
        ({"folder_url": FOLDER_URL, "albums": ["Holiday"]}, "albums: unknown option"),
        ({"folder_url": FOLDER_URL, "mime_types": "image/png"}, "mime_types"),
        ({"folder_url": FOLDER_URL, "include": "*.jpg"}, "include"),
        ({"folder_url": FOLDER_URL, "include": ["x" * 501]}, "include"),
        ({"folder_url": FOLDER_URL, "include": ["x"] * 101}, "include"),
        ({"folder_url": FOLDER_URL, "exclude": ["{1..100000}"]}, "pattern"),
        ({"folder_url": FOLDER_URL, "include": ["\0"]}, "include.0: must not contain the NUL character"),
        ({"folder_url": FOLDER_URL, "mime_types": ["image/\0"]}, "mime_types.0: must not contain"),
        ({"folder_url": FOLDER_URL, "webhook_url": "https://example.com/\0"}, "webhook_url: must not contain"),
        ([FOLDER_URL], "JSON object"),
        ("'; DROP TABLE jobs; --", "JSON object"),
    ],
)
async def test_an_invalid_import_request_is_rejected(gateway: GatewayClient, body: object, expected: str) -> None:
    for path in (IMPORT, "/import/google-drive"):
        async with gateway.session.post(path, json=body) as response:
            problem = await response.json()
            assert (response.status, response.content_type) == (400, "application/problem+json")
        assert expected in problem["detail"]
        assert problem["error"] == problem["detail"]
    assert (await gateway.get("/api/jobs"))["items"] == []


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (b"{", JSON),
        (b"", JSON),
        (b"\xff\xfe", JSON),
        (b"[" * 100_000, JSON),
        (b'{"folder_url": "' + FOLDER_URL.encode() + b'"}', {"Content-Type": "text/plain"}),
    ],
    ids=["truncated", "empty", "not text", "deep", "not declared as JSON"],
)
async def test_a_body_that_is_not_json_is_rejected(
    gateway: GatewayClient, data: bytes, headers: dict[str, str]
) -> None:
    async with gateway.session.post(IMPORT, data=data, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["status"] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/images/999", 404),
        ("GET", "/api/images/999/content", 404),
        ("GET", "/api/images/1'%20OR%201=1", 400),
        ("GET", "/api/images/0", 400),
        ("GET", "/api/images/99999999999999999999", 400),
        ("GET", "/api/images/..%2f..%2fetc%2fpasswd/content", 404),
        ("GET", "/api/images?page=-1", 400),
        ("GET", "/api/images?page=1000000000000000000", 400),
        ("GET", "/api/images?per_page=0", 400),
        ("GET", "/api/images?per_page=1001", 400),
        ("GET", "/api/jobs?limit=1e9", 400),
        ("GET", "/api/jobs/unknown", 404),
        ("GET", "/api/jobs/unknown/manifest.csv", 404),
        ("GET", "/api/jobs/%00", 400),
        ("POST", "/api/jobs/a%00b/cancel", 400),
        ("GET", "/import/status/%00", 400),
        ("GET", "/api/jobs/" + "x" * 500, 400),
        ("GET", "/import/status/unknown", 404),
        ("PUT", IMPORT, 405),
        ("DELETE", "/images", 405),
    ],
)
async def test_every_error_is_a_problem(gateway: GatewayClient, method: str, path: str, status: int) -> None:
    async with gateway.session.request(method, path) as response:
        problem = await response.json()
        assert (response.status, problem["status"], response.content_type) == (
            status,
            status,
            "application/problem+json",
        )
        assert problem.keys() >= {"type", "title", "detail", "error"}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/images/1", "GET, DELETE"),
        ("/api/images/1/content", "GET, HEAD"),
        ("/api/jobs/1", "GET, DELETE"),
        ("/login", "GET, POST"),
        ("/openapi.json", "GET, HEAD"),
    ],
)
async def test_an_unsupported_method_is_answered_with_all_supported_methods(
    gateway: GatewayClient, path: str, methods: str
) -> None:
    async with gateway.session.put(path) as response:
        assert (response.status, response.headers["Allow"]) == (405, methods)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/images/archive", {"ids": [True]}),
        ("/api/jobs/unknown/retry", {"item_ids": [True]}),
        ("/api/jobs/unknown/retry", {"reasons": ["whatever"]}),
    ],
)
async def test_values_of_the_wrong_type_are_rejected(gateway: GatewayClient, path: str, body: object) -> None:
    async with gateway.session.post(path, json=body) as response:
        assert response.status == 400


async def test_a_huge_body_is_rejected_before_it_is_sent(gateway: GatewayClient) -> None:
    reader, writer = await asyncio.open_connection(*gateway.address)
    writer.write(f"POST {IMPORT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {1 << 30}\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_client_that_sends_all_of_a_large_body_first_receives_the_error(gateway: GatewayClient) -> None:
    def post() -> int:
        connection = HTTPConnection(*gateway.address, timeout=10)
        connection.request("POST", IMPORT, body=bytes(64 * 1024 * 1024), headers=JSON)
        with closing(connection):
            return connection.getresponse().status

    assert await asyncio.to_thread(post) == 413


async def test_a_large_body_of_unknown_length_is_rejected(gateway: GatewayClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(64 * 1024)

    async with gateway.session.post(IMPORT, data=chunks(), headers=JSON) as response:
        assert response.status == 413


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "169.254.169.254"])
async def test_an_unknown_host_is_rejected(gateway: GatewayClient, host: str) -> None:
    async with gateway.session.get("/api/images", headers={"Host": host}) as response:
        assert response.status == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
async def test_all_names_of_loopback_are_accepted(gateway: GatewayClient, host: str) -> None:
    async with gateway.session.get("/health", headers={"Host": host}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_page_of_another_site_cannot_start_an_import(gateway: GatewayClient, headers: dict[str, str]) -> None:
    async with gateway.session.post(IMPORT, json={"folder_url": FOLDER_URL}, headers=headers) as response:
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers
    assert (await gateway.get("/api/jobs"))["items"] == []


async def test_health_checks_answer_while_many_clients_never_finish_their_requests(gateway: GatewayClient) -> None:
    incomplete = b"POST /api/import/google-drive HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
    writers = []
    for _ in range(200):
        _, writer = await asyncio.open_connection(*gateway.address)
        writer.write(incomplete)
        writers.append(writer)
    assert await gateway.get("/health") == {"status": "healthy", "service": "api-gateway"}
    assert (await gateway.get("/readyz"))["status"] == "healthy"
    for writer in writers:
        writer.close()
