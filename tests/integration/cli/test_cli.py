"""The commands as processes, as a person or a script runs them."""

import asyncio
import csv
import json
import re
import sqlite3
import sys
from pathlib import Path

import pytest

from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.drivers.shell import Shell

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def shell(drive: DriveTestServer, tmp_path: Path) -> Shell:
    """Commands against the Drive test server."""
    return Shell(drive, tmp_path / "home")


@pytest.fixture
def url(drive: DriveTestServer, tree: Tree) -> str:
    """The URL of a folder with two images, a text file and a Google document."""
    root = tree.folder("Holiday")
    tree.file(root, "a.png", content=PNG + b"a", mime_type="image/png")
    tree.file(tree.folder("Day 1", parent=root), "b.jpg", content=b"b" * 1000, mime_type="image/jpeg")
    tree.file(root, "notes.txt", content=b"text", mime_type="text/plain")
    tree.document(root, "Plans")
    return drive.folder_url(root)


async def test_an_import_prints_one_json_object_and_exits_with_zero(shell: Shell, url: str) -> None:
    result = await shell("import", url, "--json")
    assert result.code == 0
    summary = result.json
    assert {"job_id", "status", "discovered", "stored", "skipped", "failed", "bytes", "seconds"} <= summary.keys()
    assert (summary["status"], summary["discovered"], summary["stored"], summary["skipped"]) == ("completed", 4, 2, 2)
    assert summary["bytes"] == 1009


async def test_an_import_prints_messages_on_stderr_and_nothing_on_stdout(shell: Shell, url: str) -> None:
    result = await shell("import", url)
    assert result.stdout == ""
    assert "Importing “Holiday”" in result.stderr
    assert "2 files stored and verified (1.0 kB), 2 skipped" in result.stderr


async def test_a_second_import_transfers_nothing_and_says_so(shell: Shell, url: str) -> None:
    await shell("import", url)
    result = await shell("import", url, "--json")
    assert "0 bytes transferred" in result.stderr
    assert (result.json["unchanged"], result.json["stored"], result.json["bytes_transferred"]) == (2, 0, 0)


async def test_a_dry_run_prints_the_plan_and_changes_nothing(shell: Shell, url: str) -> None:
    result = await shell("import", url, "--dry-run", "--json")
    assert result.code == 0
    summary = result.json
    assert (summary["status"], summary["discovered"], summary["to_store"]) == ("planned", 4, 2)
    assert summary["types"] == {"image/png": 1, "image/jpeg": 1}
    assert list((shell.home / "store").iterdir()) == []
    assert (await shell("jobs", "--json")).json == {"jobs": []}


async def test_include_exclude_and_no_recursive_select_files(shell: Shell, url: str) -> None:
    assert (await shell("import", url, "--dry-run", "--json", "--include", "*.jpg")).json["to_store"] == 1
    assert (await shell("import", url, "--dry-run", "--json", "--exclude", "Day*/**")).json["to_store"] == 1
    assert (await shell("import", url, "--dry-run", "--json", "--no-recursive")).json["discovered"] == 3


async def test_the_manifest_lists_every_file(shell: Shell, url: str, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    result = await shell("import", url, "--json", "--manifest", str(manifest))
    with manifest.open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["outcome"] for row in rows) == ["skipped", "skipped", "stored", "stored"]
    printed = await shell("manifest", str(result.json["job_id"]))
    entries = [json.loads(line) for line in printed.stdout.splitlines()]
    assert [entry["id"] for entry in entries] == [row["id"] for row in rows]
    stored = [entry for entry in entries if entry["outcome"] == "stored"]
    assert all((shell.home / "store" / entry["key"]).stat().st_size == entry["size"] for entry in stored)


async def test_an_unwritable_manifest_is_reported_before_the_import_starts(shell: Shell, url: str) -> None:
    result = await shell("import", url, "--manifest", "/proc/nowhere/manifest.csv")
    assert (result.code, result.stdout) == (2, "")
    assert "/proc/nowhere/manifest.csv" in result.stderr
    assert (await shell("jobs", "--json")).json == {"jobs": []}


async def test_a_closed_stdout_is_not_an_error(shell: Shell, drive: DriveTestServer, tree: Tree) -> None:
    root = tree.folder("Many")
    tree.numbered_files(root, 2000, size_bytes=0)  # empty files fail at once, which makes a long manifest quickly
    job_id = (await shell("import", drive.folder_url(root), "--json")).json["job_id"]
    command = f"{sys.executable} -m imageferry manifest {job_id} | head -n 1; exit ${{PIPESTATUS[0]}}"
    # Keys without a bucket would be warned about.
    environment = {name: value for name, value in shell.environment.items() if not name.startswith("AWS_")}
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment
    )
    out, err = await process.communicate()
    assert (process.returncode, len(out.splitlines()), err) == (0, 1, b"")


async def test_failed_files_are_reported_by_reason_and_by_the_exit_code(
    shell: Shell, drive: DriveTestServer, tree: Tree
) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "good.jpg", content=b"good")
    tree.file(root, "empty.jpg", content=b"")
    result = await shell("import", drive.folder_url(root), "--json")
    assert result.code == 1
    assert result.json["failures"] == [
        {
            "reason": "empty",
            "title": "The file is empty.",
            "mender": "owner",
            "mend": "Ask the owner to upload it again, then retry.",
            "count": 1,
        }
    ]
    assert "1 failed (empty): The file is empty." in result.stderr


@pytest.mark.parametrize(
    ("url", "code", "message"),
    [
        ("https://example.com/folder", 2, "not a link to a Google Drive folder"),
        ("https://drive.google.com/file/d/1AbCdEfGhIjKlMnOpQrStUvWxYz012345/view", 2, "of a file"),
        ("", 2, "link"),
        ("1AbCdEfGhIjKlMnOpQrStUvWxYz012345", 3, "Anyone with the link"),
    ],
)
async def test_a_url_that_names_no_folder_is_reported(shell: Shell, url: str, code: int, message: str) -> None:
    result = await shell("import", url)
    assert (result.code, result.stdout) == (code, "")
    assert message in result.stderr
    assert not (shell.home / "store").exists() or not list((shell.home / "store").iterdir())


async def test_the_bare_id_of_a_file_is_reported(shell: Shell, tree: Tree) -> None:
    file = tree.file(tree.folder("Holiday"), "a.jpg", content=b"a")
    result = await shell("import", file.id)
    assert result.code == 2
    assert "folder" in result.stderr


@pytest.mark.parametrize(
    ("environment", "code", "message"),
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
        ({"IMAGEFERRY_WAIT_SECONDS": "long"}, 7, "IMAGEFERRY_WAIT_SECONDS"),
        ({"STORE_URL": "s3://bucket/x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 5, "s3://bucket/x"),
        ({"STORE_URL": "s3://bucket/x", "AWS_ENDPOINT_URL": "127.0.0.1:9"}, 7, "AWS_ENDPOINT_URL"),
    ],
)
async def test_an_invalid_setting_is_reported_in_a_sentence(
    shell: Shell, url: str, environment: dict[str, str], code: int, message: str
) -> None:
    result = await shell("import", url, **environment)
    assert result.code == code
    assert message in result.stderr
    assert len(result.stderr) < 900


async def test_a_catalog_of_a_newer_version_is_not_changed(shell: Shell, url: str) -> None:
    await shell("migrate")
    with sqlite3.connect(shell.home / "catalog.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    result = await shell("import", url)
    assert result.code == 7
    assert "newer version" in result.stderr


async def test_jobs_are_listed(shell: Shell, url: str) -> None:
    assert "No jobs yet" in (await shell("jobs")).stdout
    job_id = (await shell("import", url, "--json")).json["job_id"]
    jobs = await shell("jobs")
    assert str(job_id)[:8] in jobs.stdout
    assert "completed" in jobs.stdout


async def test_the_doctor_finds_no_problem(shell: Shell) -> None:
    result = await shell("doctor", "--json")
    assert result.code == 0
    assert result.stderr.count("✓") == 3
    assert result.json["checks"] == [
        {"name": "catalog", "ok": True, "detail": f"sqlite:///{shell.home}/catalog.db", "reason": None},
        {
            "name": "storage",
            "ok": True,
            "detail": f"{(shell.home / 'store').as_uri()} (wrote and deleted a test object)",
            "reason": None,
        },
        {"name": "source", "ok": True, "detail": "Google Drive, with an API key", "reason": None},
    ]


@pytest.mark.parametrize(
    ("environment", "code", "check", "message"),
    [
        ({"GOOGLE_API_KEY": "wrong"}, 7, "source", "GOOGLE_API_KEY"),
        ({"STORE_URL": "/proc/nowhere"}, 7, "storage", "/proc/nowhere"),
        ({"DATABASE_URL": "sqlite:////proc/nowhere/catalog.db"}, 7, "catalog", "DATABASE_URL"),
        ({"CELERY_BROKER_URL": "redis://:hidden@127.0.0.1:9"}, 7, "broker", "CELERY_BROKER_URL"),
    ],
)
async def test_the_doctor_says_what_to_fix(
    shell: Shell, environment: dict[str, str], code: int, check: str, message: str
) -> None:
    result = await shell("doctor", **environment)
    assert result.code == code
    assert re.findall("✗ (\\w+)", result.stderr) == [check]
    assert message in result.stderr
    assert "hidden" not in result.stderr


async def test_an_empty_variable_is_ignored_by_the_store_too(shell: Shell) -> None:
    empty = {"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": ""}  # as in compose.yaml
    result = await shell("doctor", STORE_URL="s3://bucket", HTTPS_PROXY="http://127.0.0.1:9", **empty)
    assert "The storage at s3://bucket can't be reached" in result.stderr


async def test_wrong_image_counts_are_found_and_fixed(shell: Shell, url: str) -> None:
    await shell("import", url)
    with sqlite3.connect(shell.home / "catalog.db") as catalog:
        catalog.execute("UPDATE image_counts SET images = images + 1 WHERE dimension = 'all'")
    result = await shell("doctor")
    assert (result.code, "imageferry migrate --recount" in result.stderr) == (7, True)
    assert "Images recounted: 2." in (await shell("migrate", "--recount")).stderr
    assert (await shell("doctor")).code == 0


async def test_a_manifest_of_an_unknown_job_is_an_error(shell: Shell) -> None:
    result = await shell("manifest", "no-such-job")
    assert (result.code, result.stdout) == (3, "")


@pytest.mark.parametrize("arguments", [["--help"], ["import", "--help"], ["serve", "--help"], ["demo", "--help"]])
async def test_help_is_printed(shell: Shell, arguments: list[str]) -> None:
    result = await shell(*arguments)
    assert result.code == 0
    assert "Usage:" in result.stdout


async def test_without_a_key_the_public_pages_are_read(shell: Shell, url: str) -> None:
    result = await shell("import", url, "--json", GOOGLE_API_KEY="")
    assert result.code == 0
    assert result.json["stored"] == 2
    again = await shell("import", url, "--json", GOOGLE_API_KEY="")
    assert (again.json["unchanged"], again.json["bytes_transferred"]) == (2, 0)
