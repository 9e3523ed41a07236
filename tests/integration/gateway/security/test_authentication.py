"""Authentication with an access token, a sign-in link and a session."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO

import aiohttp
import pytest
import pytest_asyncio

from imageferry.settings import Settings
from tests.drivers.gateway_process import GatewayClient, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "correct-horse-battery-staple"
FOLDER_URL = "https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWxYz012345"
NOWHERE = "http://127.0.0.1:9"
PROTECTED = [
    ("GET", "/images"),
    ("GET", "/api/images"),
    ("GET", "/api/images/all"),
    ("GET", "/api/images/1/content"),
    ("GET", "/api/jobs"),
    ("GET", "/api/import/status/1"),
    ("POST", "/api/import/google-drive"),
    ("POST", "/import/google-drive"),
    ("GET", "/import/status/1"),
    ("POST", "/health"),
    ("DELETE", "/jobs/1"),
    ("DELETE", "/api/images/1"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/metrics"),
    ("GET", "/nothing"),
    ("GET", "/api"),
    ("GET", "/health/"),
    ("GET", "/health%2f..%2fapi/jobs"),
    ("OPTIONS", "/api/jobs"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayClient]:
    settings = Settings.load(
        home=tmp_path_factory.mktemp("home"),
        port=0,
        host="0.0.0.0",  # noqa: S104 - allowed because a token is set
        api_token=TOKEN,
        google_drive_endpoint=NOWHERE,
        google_drive_web_endpoint=NOWHERE,
    )
    async with running_gateway(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="module")
async def anonymous(gateway: GatewayClient) -> AsyncIterator[aiohttp.ClientSession]:
    """A client without the token that keeps cookies."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(gateway.url, cookie_jar=jar) as session:
        yield session


@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_without_the_token_nothing_is_answered(anonymous: aiohttp.ClientSession, method: str, path: str) -> None:
    async with anonymous.request(method, path) as response:
        problem = await response.json()
        assert (response.status, response.content_type) == (401, "application/problem+json")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert problem["error"] == problem["detail"]


@pytest.mark.parametrize("path", ["/health", "/api/health", "/healthz", "/readyz", "/", "/gallery/7"])
async def test_health_checks_and_the_page_are_public(anonymous: aiohttp.ClientSession, path: str) -> None:
    async with anonymous.get(path) as response:
        assert response.status == 200


async def test_the_token_gives_access(gateway: GatewayClient) -> None:
    assert (await gateway.get("/api/jobs"))["items"] == []
    assert await gateway.get("/images") == []


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"],
)
async def test_anything_but_the_token_is_rejected(anonymous: aiohttp.ClientSession, authorization: str) -> None:
    async with anonymous.get("/api/jobs", headers={"Authorization": authorization}) as response:
        assert response.status in {401, 429}
        assert TOKEN not in await response.text()


async def test_a_body_is_not_read_without_the_token(anonymous: aiohttp.ClientSession) -> None:
    async with anonymous.post("/api/import/google-drive", data=BytesIO(bytes(2 * 1024 * 1024))) as response:
        assert response.status == 401


async def test_the_sign_in_link_works_once(gateway: GatewayClient, anonymous: aiohttp.ClientSession) -> None:
    assert gateway.sign_in_url is not None
    link = gateway.sign_in_url.removeprefix(gateway.url)
    async with anonymous.get(link, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")
        assert response.headers["Cache-Control"] == "no-store"
        cookie = response.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert TOKEN not in cookie
    async with anonymous.get("/api/jobs") as response:
        assert response.status == 200
    async with anonymous.get(link, allow_redirects=False) as response:
        assert response.status == 401
    async with anonymous.post("/logout") as response:
        assert response.status == 204
    async with anonymous.get("/api/jobs") as response:
        assert response.status == 401


async def test_a_signed_out_session_is_dead_for_whoever_has_a_copy_of_its_cookie(
    gateway: GatewayClient, anonymous: aiohttp.ClientSession
) -> None:
    async with anonymous.post("/login", json={"token": TOKEN}) as response:
        copy = {"Cookie": response.headers["Set-Cookie"].partition(";")[0]}
    async with (
        aiohttp.ClientSession(gateway.url, headers=copy) as thief,
        aiohttp.ClientSession(gateway.url) as other,
        thief.get("/api/events") as stream,
    ):
        await stream.content.readuntil(b"\n\n")
        await other.post("/logout", headers={"Cookie": "imageferry=forged"})
        async with thief.get("/api/jobs") as response:
            assert response.status == 200
        await anonymous.post("/logout")
        async with thief.get("/api/jobs") as response:
            assert response.status == 401
        await gateway.start_import(FOLDER_URL)
        while await stream.content.readany():  # ends at its next event or heartbeat
            pass


async def test_a_browser_can_sign_in_with_the_token(anonymous: aiohttp.ClientSession) -> None:
    async with anonymous.post("/login", json={"token": TOKEN}) as response:
        assert response.status == 204
    async with anonymous.get("/api/jobs") as response:
        assert response.status == 200


async def test_a_session_does_not_allow_writes_from_other_sites(anonymous: aiohttp.ClientSession) -> None:
    await anonymous.post("/login", json={"token": TOKEN})
    headers = {"Origin": "https://evil.example"}
    async with anonymous.post("/api/import/google-drive", json={}, headers=headers) as response:
        assert response.status == 403


@pytest.mark.parametrize("host", ["10.0.0.7:8000", "[2001:db8::1]", "localhost"])
async def test_an_ip_address_is_accepted_as_host(gateway: GatewayClient, host: str) -> None:
    async with gateway.session.get("/health", headers={"Host": host}) as response:
        assert response.status == 200


async def test_an_unknown_host_name_is_rejected(gateway: GatewayClient) -> None:
    async with gateway.session.get("/health", headers={"Host": "evil.example"}) as response:
        assert response.status == 400


async def test_wrong_guesses_are_slowed_while_the_right_token_and_sessions_keep_working_at_the_same_address(
    gateway: GatewayClient, anonymous: aiohttp.ClientSession
) -> None:
    async with aiohttp.ClientSession(gateway.url) as guesser:
        statuses: list[int] = []
        while 429 not in statuses and len(statuses) < 30:
            async with guesser.get("/api/jobs", headers={"Authorization": f"Bearer {len(statuses)}"}) as response:
                statuses.append(response.status)
        assert statuses == [401] * (len(statuses) - 1) + [429]
        assert int(response.headers["Retry-After"]) >= 1
        # Several at once: the limit lets one through every six seconds.
        links = await asyncio.gather(*(guesser.get("/login?code=guess") for _ in range(5)))
        tokens = await asyncio.gather(*(guesser.post("/login", json={"token": "guess"}) for _ in range(5)))
        assert {429} <= {response.status for response in links} <= {401, 429}
        assert {429} <= {response.status for response in tokens} <= {401, 429}
    await gateway.get("/api/jobs")
    async with anonymous.post("/login", json={"token": TOKEN}) as response:
        assert response.status == 204
    async with anonymous.get("/api/jobs", headers={"Authorization": "Bearer expired"}) as response:
        assert response.status == 200
