"""What every answer is dressed in, and what other sites' pages may do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.settings import Settings
from tests.drivers.gateway_process import Served, served

TOKEN = "correct-horse-battery-staple"
NAMED, STRANGE = "https://photos.example", "https://evil.example"
NOWHERE = "http://127.0.0.1:9"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def settings(tmp_path: Path, **given: object) -> Settings:
    return Settings.load(
        home=tmp_path / "home",
        port=0,
        google_drive_endpoint=NOWHERE,
        google_drive_web_endpoint=NOWHERE,
        **given,
    )


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Served]:
    given = settings(tmp_path, api_token=TOKEN, cors_origins=(NAMED,))
    async with served(given) as gateway:
        yield gateway


ASKED: list[tuple[str, str, dict[str, str]]] = [
    ("GET", "/", {}),
    ("GET", "/health", {}),
    ("GET", "/api/jobs", {}),
    ("GET", "/images", {}),
    ("GET", "/nothing", {}),
    ("GET", "/metrics", {}),
    ("GET", "/api/images?page=-1", {}),
    ("GET", "/api/jobs", {"Authorization": ""}),
    ("GET", "/api/jobs", {"Host": STRANGE}),
    ("POST", "/api/import/google-drive", {"Origin": STRANGE}),
    ("PUT", "/api/jobs", {}),
]


async def test_every_answer_is_dressed(gateway: Served) -> None:
    for method, path, headers in ASKED:
        async with gateway.session.request(method, path, headers=headers) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert "Server" not in answer.headers


async def test_a_site_that_is_named_may_ask_with_a_token_or_a_session(gateway: Served) -> None:
    headers = {"Origin": NAMED, "Authorization": ""} | PREFLIGHT
    async with gateway.session.options("/api/import/google-drive", headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == NAMED
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    async with gateway.session.get("/api/jobs", headers={"Origin": NAMED, "Authorization": ""}) as answer:
        assert answer.status == 401
        assert answer.headers["Access-Control-Allow-Origin"] == NAMED  # so that its page can read why
    async with gateway.session.post("/api/import/google-drive", json={}, headers={"Origin": NAMED}) as answer:
        assert answer.status == 400  # of its body


async def test_a_site_that_is_named_may_go_on_with_a_picture_that_broke_off(gateway: Served) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range,if-range"}
    async with gateway.session.options("/api/images/1/content", headers={"Origin": NAMED} | asked) as answer:
        assert answer.status == 200


async def test_a_site_that_is_not_named_may_not(gateway: Served) -> None:
    async with gateway.session.options("/api/jobs", headers={"Origin": STRANGE} | PREFLIGHT) as answer:
        assert answer.status == 400
        assert "Access-Control-Allow-Origin" not in answer.headers
    async with gateway.session.get("/api/jobs", headers={"Origin": STRANGE}) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_any_site_may_ask_where_all_are_named_but_with_no_session(
    tmp_path: Path,
) -> None:
    given = settings(tmp_path, api_token=TOKEN, cors_origins=("*",))
    async with served(given) as gateway, gateway.session.get("/api/jobs", headers={"Origin": STRANGE}) as answer:
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
        assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_pictures_are_shown_on_our_own_pages_alone(tmp_path: Path) -> None:
    async with served(settings(tmp_path)) as gateway, gateway.session.get("/api/jobs") as answer:
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(("path", "at_once"), [("/api/import/preview", 30), ("/api/images/archive", 10)])
async def test_what_is_dear_is_rationed(gateway: Served, path: str, at_once: int) -> None:
    statuses: list[int] = []
    while 429 not in statuses and len(statuses) < 3 * at_once:  # some time goes by: a few more are granted
        async with gateway.session.post(path, json={}) as answer:
            statuses.append(answer.status)
    assert statuses == [400] * (len(statuses) - 1) + [429]
    assert len(statuses) > at_once
    assert int(answer.headers["Retry-After"]) >= 1
