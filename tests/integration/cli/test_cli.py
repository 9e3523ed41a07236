"""The commands as processes, as a person or a script runs them."""

import asyncio
import csv
import json
import re
import sqlite3
import sys
from pathlib import Path

import pytest

from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.drivers.shell import Shell

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def shell(drive: StandIn, tmp_path: Path) -> Shell:
    """Commands against the stand-in."""
    return Shell(drive, tmp_path / "home")


@pytest.fixture
def url(drive: StandIn, tree: Tree) -> str:
    """The link of a folder with two images, a text and a document."""
    root = tree.folder("Holiday")
    tree.file(root, "a.png", content=PNG + b"a", mime_type="image/png")
    tree.file(tree.folder("Day 1", parent=root), "b.jpg", content=b"b" * 1000, mime_type="image/jpeg")
    tree.file(root, "notes.txt", content=b"text", mime_type="text/plain")
    tree.document(root, "Plans")
    return drive.folder_url(root)


async def test_import_ends_with_one_json_object_and_zero(shell: Shell, url: str) -> None:
    told = await shell("import", url, "--json")
    assert told.code == 0
    answer = told.json
    assert {"job_id", "status", "discovered", "stored", "skipped", "failed", "bytes", "seconds"} <= answer.keys()
    assert (answer["status"], answer["discovered"], answer["stored"], answer["skipped"]) == ("completed", 4, 2, 2)
    assert answer["bytes"] == 1009


async def test_people_are_told_on_stderr_and_nothing_on_stdout(shell: Shell, url: str) -> None:
    told = await shell("import", url)
    assert told.out == ""
    assert "Importing “Holiday”" in told.err
    assert "2 files stored and verified (1.0 kB), 2 skipped" in told.err


async def test_a_second_import_says_that_nothing_moved(shell: Shell, url: str) -> None:
    await shell("import", url)
    told = await shell("import", url, "--json")
    assert "0 bytes moved" in told.err
    assert (told.json["unchanged"], told.json["stored"], told.json["bytes_moved"]) == (2, 0, 0)


async def test_dry_run_shows_the_plan_and_leaves_no_trace(shell: Shell, url: str) -> None:
    told = await shell("import", url, "--dry-run", "--json")
    assert told.code == 0
    answer = told.json
    assert (answer["status"], answer["discovered"], answer["to_store"]) == ("planned", 4, 2)
    assert answer["types"] == {"image/png": 1, "image/jpeg": 1}
    assert list((shell.home / "store").iterdir()) == []
    assert (await shell("jobs", "--json")).json == {"jobs": []}


async def test_include_exclude_and_no_recursive_choose(shell: Shell, url: str) -> None:
    assert (await shell("import", url, "--dry-run", "--json", "--include", "*.jpg")).json["to_store"] == 1
    assert (await shell("import", url, "--dry-run", "--json", "--exclude", "Day*/**")).json["to_store"] == 1
    assert (await shell("import", url, "--dry-run", "--json", "--no-recursive")).json["discovered"] == 3


async def test_the_manifest_lists_every_file(shell: Shell, url: str, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.csv"
    told = await shell("import", url, "--json", "--manifest", str(receipt))
    with receipt.open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["outcome"] for row in rows) == ["skipped", "skipped", "stored", "stored"]
    printed = await shell("manifest", str(told.json["job_id"]))
    entries = [json.loads(line) for line in printed.out.splitlines()]
    assert [entry["id"] for entry in entries] == [row["id"] for row in rows]
    stored = [entry for entry in entries if entry["outcome"] == "stored"]
    assert all((shell.home / "store" / entry["key"]).stat().st_size == entry["size"] for entry in stored)


async def test_a_manifest_that_cannot_be_written_is_told_before_anything_moves(shell: Shell, url: str) -> None:
    told = await shell("import", url, "--manifest", "/proc/nowhere/receipt.csv")
    assert (told.code, told.out) == (2, "")
    assert "/proc/nowhere/receipt.csv" in told.err
    assert (await shell("jobs", "--json")).json == {"jobs": []}


async def test_a_reader_that_leaves_early_is_no_error(shell: Shell, drive: StandIn, tree: Tree) -> None:
    root = tree.folder("Many")
    tree.numbered_files(root, 2000, size_bytes=0)  # empty files fail at once: a long manifest, quickly
    job_id = (await shell("import", drive.folder_url(root), "--json")).json["job_id"]
    command = f"{sys.executable} -m imageferry manifest {job_id} | head -n 1; exit ${{PIPESTATUS[0]}}"
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=shell.environment
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, len(out.splitlines()), err) == (0, 1, b"")


async def test_failed_files_are_told_by_cause_and_by_the_exit_code(shell: Shell, drive: StandIn, tree: Tree) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "good.jpg", content=b"good")
    tree.file(root, "empty.jpg", content=b"")
    told = await shell("import", drive.folder_url(root), "--json")
    assert told.code == 1
    assert told.json["failures"] == [
        {
            "reason": "empty",
            "title": "The file holds no bytes.",
            "mender": "owner",
            "mend": "Its owner can upload it again; then retry.",
            "count": 1,
        }
    ]
    assert "1 failed (empty): The file holds no bytes." in told.err


@pytest.mark.parametrize(
    ("pasted", "code", "sentence"),
    [
        ("https://example.com/folder", 2, "not a Google Drive folder's link"),
        ("https://drive.google.com/file/d/1AbCdEfGhIjKlMnOpQrStUvWxYz012345/view", 2, "of a single file"),
        ("", 2, "link"),
        ("1AbCdEfGhIjKlMnOpQrStUvWxYz012345", 3, "Anyone with the link"),
    ],
)
async def test_what_is_no_folder_is_told_in_a_sentence(shell: Shell, pasted: str, code: int, sentence: str) -> None:
    told = await shell("import", pasted)
    assert (told.code, told.out) == (code, "")
    assert sentence in told.err
    assert not (shell.home / "store").exists() or not list((shell.home / "store").iterdir())


async def test_a_link_that_names_a_file_by_a_bare_id_is_told(shell: Shell, tree: Tree) -> None:
    file = tree.file(tree.folder("Holiday"), "a.jpg", content=b"a")
    told = await shell("import", file.id)
    assert told.code == 2
    assert "folder" in told.err


@pytest.mark.parametrize(
    ("environment", "code", "sentence"),
    [
        ({"GOOGLE_API_KEY": "wrong"}, 7, "GOOGLE_API_KEY"),
        ({"STORE_URL": "ftp://host/x"}, 7, "STORE_URL"),
        ({"STORE_URL": "/proc/nowhere"}, 7, "/proc/nowhere"),
        ({"DATABASE_URL": "sqlite:////proc/nowhere/catalog.db"}, 7, "DATABASE_URL"),
        ({"DATABASE_URL": "nonsense"}, 7, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://user@host:port/name"}, 7, "DATABASE_URL"),
        ({"CELERY_BROKER_URL": "rabbitmq://host"}, 7, "CELERY_BROKER_URL"),
        ({"IMAGEFERRY_HOME": "/proc/nowhere"}, 7, "IMAGEFERRY_HOME"),
        ({"IMAGEFERRY_CONCURRENCY": "many"}, 2, "concurrency"),
        ({"IMAGEFERRY_PATIENCE": "long"}, 7, "IMAGEFERRY_PATIENCE"),
        ({"STORE_URL": "s3://bucket/x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 5, "s3://bucket/x"),
        ({"STORE_URL": "s3://bucket/x", "AWS_ENDPOINT_URL": "127.0.0.1:9"}, 7, "AWS_ENDPOINT_URL"),
    ],
)
async def test_what_must_be_mended_is_told_in_a_sentence(
    shell: Shell, url: str, environment: dict[str, str], code: int, sentence: str
) -> None:
    told = await shell("import", url, **environment)
    assert told.code == code
    assert sentence in told.err
    assert len(told.err) < 900


async def test_a_catalog_of_a_newer_version_is_left_alone(shell: Shell, url: str) -> None:
    await shell("migrate")
    with sqlite3.connect(shell.home / "catalog.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    told = await shell("import", url)
    assert told.code == 7
    assert "newer imageferry" in told.err


async def test_jobs_lists_what_was_done(shell: Shell, url: str) -> None:
    assert "No jobs yet" in (await shell("jobs")).out
    job_id = (await shell("import", url, "--json")).json["job_id"]
    listed = await shell("jobs")
    assert str(job_id) in listed.out
    assert "completed" in listed.out


async def test_the_doctor_finds_everything_well(shell: Shell) -> None:
    told = await shell("doctor", "--json")
    assert told.code == 0
    assert told.err.count("✓") == 3
    assert told.json["parts"] == [
        {"part": "catalog", "well": True, "detail": f"sqlite:///{shell.home}/catalog.db", "reason": None},
        {
            "part": "store",
            "well": True,
            "detail": f"{(shell.home / 'store').as_uri()} (an object was written and removed)",
            "reason": None,
        },
        {"part": "source", "well": True, "detail": "Google Drive, with an API key", "reason": None},
    ]


@pytest.mark.parametrize(
    ("environment", "code", "part", "sentence"),
    [
        ({"GOOGLE_API_KEY": "wrong"}, 7, "source", "GOOGLE_API_KEY"),
        ({"STORE_URL": "/proc/nowhere"}, 7, "store", "/proc/nowhere"),
        ({"DATABASE_URL": "sqlite:////proc/nowhere/catalog.db"}, 7, "catalog", "DATABASE_URL"),
        ({"CELERY_BROKER_URL": "redis://:hidden@127.0.0.1:9"}, 7, "broker", "CELERY_BROKER_URL"),
    ],
)
async def test_the_doctor_says_what_to_mend(
    shell: Shell, environment: dict[str, str], code: int, part: str, sentence: str
) -> None:
    told = await shell("doctor", **environment)
    assert told.code == code
    assert re.findall("✗ (\\w+)", told.err) == [part]
    assert sentence in told.err
    assert "hidden" not in told.err


async def test_an_empty_variable_is_none_to_the_store_either(shell: Shell) -> None:
    empty = {"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": ""}  # as compose.yaml has them
    told = await shell("doctor", STORE_URL="s3://bucket", HTTPS_PROXY="http://127.0.0.1:9", **empty)
    assert "The store s3://bucket does not answer" in told.err


async def test_numbers_that_do_not_fit_are_found_and_mended(shell: Shell, url: str) -> None:
    await shell("import", url)
    with sqlite3.connect(shell.home / "catalog.db") as catalog:
        catalog.execute("UPDATE tallies SET images = images + 1 WHERE kind = 'all'")
    told = await shell("doctor")
    assert (told.code, "imageferry migrate --recount" in told.err) == (7, True)
    assert "counted anew: 2." in (await shell("migrate", "--recount")).err
    assert (await shell("doctor")).code == 0


async def test_a_manifest_of_no_job_is_told(shell: Shell) -> None:
    told = await shell("manifest", "no-such-job")
    assert (told.code, told.out) == (3, "")


@pytest.mark.parametrize("words", [["--help"], ["import", "--help"], ["serve", "--help"], ["demo", "--help"]])
async def test_help_helps(shell: Shell, words: list[str]) -> None:
    told = await shell(*words)
    assert told.code == 0
    assert "Usage:" in told.out


async def test_without_a_key_the_public_pages_are_read(shell: Shell, url: str) -> None:
    told = await shell("import", url, "--json", GOOGLE_API_KEY="")
    assert told.code == 0
    assert told.json["stored"] == 2
    again = await shell("import", url, "--json", GOOGLE_API_KEY="")
    assert (again.json["unchanged"], again.json["bytes_moved"]) == (2, 0)
