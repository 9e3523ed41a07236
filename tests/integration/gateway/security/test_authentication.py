"""Access: with a token set, who is let in and how a browser signs in."""

from collections.abc import AsyncIterator
from io import BytesIO

import aiohttp
import pytest
import pytest_asyncio

from imageferry.settings import Settings
from tests.drivers.gateway_process import Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "correct-horse-battery-staple"
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
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    settings = Settings.load(
        home=tmp_path_factory.mktemp("home"),
        port=0,
        host="0.0.0.0",  # noqa: S104 - with a token it may
        api_token=TOKEN,
        google_drive_endpoint=NOWHERE,
        google_drive_web_endpoint=NOWHERE,
    )
    async with served(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(gateway: Served) -> AsyncIterator[aiohttp.ClientSession]:
    """Whoever comes without the token, and keeps cookies."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(gateway.url, cookie_jar=jar) as session:
        yield session


@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_without_the_token_nothing_is_answered(stranger: aiohttp.ClientSession, method: str, path: str) -> None:
    async with stranger.request(method, path) as answer:
        problem = await answer.json()
        assert (answer.status, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert problem["error"] == problem["detail"]


@pytest.mark.parametrize("path", ["/health", "/api/health", "/healthz", "/readyz", "/", "/gallery/7"])
async def test_signs_of_life_and_the_page_are_open(stranger: aiohttp.ClientSession, path: str) -> None:
    async with stranger.get(path) as answer:
        assert answer.status == 200


async def test_the_token_lets_in(gateway: Served) -> None:
    assert (await gateway.get("/api/jobs"))["items"] == []
    assert await gateway.get("/images") == []


@pytest.mark.parametrize(
    "given", ["Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"]
)
async def test_what_is_not_the_token_does_not(stranger: aiohttp.ClientSession, given: str) -> None:
    async with stranger.get("/api/jobs", headers={"Authorization": given}) as answer:
        assert answer.status in {401, 429}
        assert TOKEN not in await answer.text()


async def test_a_body_is_not_read_before_the_token(stranger: aiohttp.ClientSession) -> None:
    async with stranger.post("/api/import/google-drive", data=BytesIO(bytes(2 * 1024 * 1024))) as answer:
        assert answer.status == 401


async def test_the_printed_link_signs_a_browser_in_once(gateway: Served, stranger: aiohttp.ClientSession) -> None:
    assert gateway.sign_in_url is not None
    link = gateway.sign_in_url.removeprefix(gateway.url)
    async with stranger.get(link, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        assert answer.headers["Cache-Control"] == "no-store"
        cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert TOKEN not in cookie
    async with stranger.get("/api/jobs") as answer:
        assert answer.status == 200
    async with stranger.get(link, allow_redirects=False) as answer:
        assert answer.status == 401
    async with stranger.post("/logout") as answer:
        assert answer.status == 204
    async with stranger.get("/api/jobs") as answer:
        assert answer.status == 401


async def test_a_browser_may_sign_in_with_the_token_itself(stranger: aiohttp.ClientSession) -> None:
    async with stranger.post("/login", json={"token": TOKEN}) as answer:
        assert answer.status == 204
    async with stranger.get("/api/jobs") as answer:
        assert answer.status == 200


async def test_a_session_does_not_let_another_sites_page_write(stranger: aiohttp.ClientSession) -> None:
    await stranger.post("/login", json={"token": TOKEN})
    headers = {"Origin": "https://evil.example"}
    async with stranger.post("/api/import/google-drive", json={}, headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("host", ["10.0.0.7:8000", "[2001:db8::1]", "localhost"])
async def test_an_address_is_a_host_that_a_probe_may_name(gateway: Served, host: str) -> None:
    async with gateway.session.get("/health", headers={"Host": host}) as answer:
        assert answer.status == 200


async def test_a_foreign_name_is_refused_here_too(gateway: Served) -> None:
    async with gateway.session.get("/health", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 400


async def test_guesses_are_slowed_down_while_sessions_go_on(gateway: Served, stranger: aiohttp.ClientSession) -> None:
    await stranger.post("/login", json={"token": TOKEN})
    async with aiohttp.ClientSession(gateway.url) as guesser:
        statuses: list[int] = []
        while 429 not in statuses and len(statuses) < 30:
            async with guesser.get("/api/jobs", headers={"Authorization": f"Bearer {len(statuses)}"}) as answer:
                statuses.append(answer.status)
        assert statuses == [401] * (len(statuses) - 1) + [429]
        assert int(answer.headers["Retry-After"]) >= 1
        async with guesser.get("/login?code=guess") as answer:
            assert answer.status == 429
    async with stranger.get("/api/jobs") as answer:
        assert answer.status == 200
