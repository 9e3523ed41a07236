"""What runs in containers: the image and the services say nothing that imageferry does not know."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from msgspec.structs import fields

from imageferry.cli.app import app
from imageferry.settings import Settings, variable_names
from tests.repository import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("imageferry:")}
THEIRS = {name: service for name, service in SERVICES.items() if name not in OURS}
ENV_FILES = sorted((ROOT / "deploy").glob("*.env"))
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
# Of Compose itself, and of the services beside ours.
NOT_SETTINGS = {"COMPOSE_PROFILES", "IMAGEFERRY_VERSION", "SERVICES_PASSWORD"}

# What the image or a command decides, and files, which have to be mounted too.
NOT_PASSED_ON = {
    "IMAGEFERRY_SERVER",  # of commands elsewhere
    *("HOST", "PORT", "IMAGEFERRY_HOME", "IMAGEFERRY_LOG_FORMAT", "IMAGEFERRY_WORKER_PROCESSES"),
    *("IMAGEFERRY_INSECURE", "IMAGEFERRY_WAIT_SECONDS"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT"),
}


def settings() -> set[str]:
    return {name for setting in fields(Settings) for name in variable_names(setting)}


def variables(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def understood(words: list[str]) -> bool:
    """Whether the command line takes these words; raises click's own error when it does not."""
    name, *arguments = words
    command = app.get_command(click.Context(app), name)
    assert command is not None
    command.make_context(name, list(arguments))
    return True


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_every_command_of_a_service_is_one(service: dict[str, Any]) -> None:
    assert understood(service["command"])
    if not service.get("healthcheck", {}).get("disable"):
        kind, program, *words = service["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "imageferry")
        assert understood(words)


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_every_variable_of_a_service_is_a_setting_and_passes_on_the_same(service: dict[str, Any]) -> None:
    assert service["environment"].keys() <= settings()
    for name, value in service["environment"].items():
        found = VARIABLE.fullmatch(str(value))
        assert found is None or found[1] == name


def test_every_setting_reaches_whom_it_concerns_by_each_of_its_names() -> None:
    passed_on = {name for service in OURS.values() for name in service["environment"]}
    assert settings() - passed_on == NOT_PASSED_ON


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_a_container_may_do_no_more_than_it_needs(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's own
    assert "privileged" not in service
    assert "user" not in service  # as the image has it, which is nobody


def test_uploaders_know_no_database_and_may_be_any_number() -> None:
    transfer = OURS["transfer"]
    assert not {name for name in transfer["environment"] if "DATABASE" in name}
    assert not transfer.keys() & {"container_name", "ports", "volumes"}


def test_only_the_gateway_is_reached_from_outside_and_only_from_this_machine() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["imageferry"]
    (port,) = OURS["imageferry"]["ports"]
    assert port.startswith("127.0.0.1:")
    assert VARIABLE.fullmatch(OURS["imageferry"]["environment"]["IMAGEFERRY_API_TOKEN"])


@pytest.mark.parametrize("name", sorted(OURS.keys() - {"migrate", "transfer"}))
def test_who_needs_the_catalog_waits_until_it_is_migrated(name: str) -> None:
    assert OURS[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_without_a_profile_one_process_runs_and_nothing_beside_it() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {"migrate", "imageferry"}
    assert {name for name, service in SERVICES.items() if "full" in service.get("profiles", ())} == {
        *("crawl", "transfer", "record"),
        *("postgres", "rabbitmq", "redis", "bucket", "s3"),
    }
    # What a profile leaves out must not be waited for.
    for service in OURS.values():
        needed = [name for name, how in service.get("depends_on", {}).items() if how.get("required", True)]
        assert set(needed) <= {"migrate"}


@pytest.mark.parametrize("name", ["compose.yaml", "docs/operating.md"])
def test_a_file_of_ones_own_is_named_last_for_the_last_decides(name: str) -> None:
    commands = re.findall(r"docker compose (--env-file .*)", (ROOT / name).read_text())
    assert commands
    for words in commands:
        assert re.findall(r"--env-file (\S+)", words)[-1] == ".env"


@pytest.mark.parametrize("path", ENV_FILES, ids=lambda path: path.stem)
def test_a_choice_of_services_sets_what_is_passed_on(path: Path) -> None:
    passed_on = {match[1] for service in SERVICES.values() for match in VARIABLE.finditer(str(service))}
    chosen = variables(path)
    assert chosen.keys() <= passed_on | {"COMPOSE_PROFILES"}
    assert chosen.keys() <= settings() | NOT_SETTINGS
    profiles = {profile for service in SERVICES.values() for profile in service.get("profiles", ())}
    assert set(chosen["COMPOSE_PROFILES"].split(",")) <= profiles


@pytest.mark.parametrize("path", ENV_FILES, ids=lambda path: path.stem)
def test_a_choice_of_services_leads_to_services_that_run(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = variables(ROOT / "deploy" / "full.env") | variables(path)
    profiles = set(chosen["COMPOSE_PROFILES"].split(","))
    running = {name for name, service in SERVICES.items() if profiles & set(service.get("profiles", ()))}
    assert {"crawl", "transfer", "record"} <= running
    hosts = {name for name in THEIRS if re.search(rf"(@|//){name}[:/]", " ".join(chosen.values()))}
    if chosen["STORE_URL"].startswith("az:"):
        hosts.discard("s3")  # its endpoint is of no use then
    assert hosts <= running
    monkeypatch.chdir(tmp_path)
    for name, value in chosen.items():
        monkeypatch.setenv(name, VARIABLE.sub(chosen["SERVICES_PASSWORD"], value))
    loaded = Settings.load()
    assert loaded.celery_broker_url is not None
    assert loaded.effective_quota_url is not None


def test_the_image_runs_as_nobody_and_asks_for_its_own_health() -> None:
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert 'ENTRYPOINT ["imageferry"]' in last
    (words,) = re.findall(r"^CMD (\[.*\])$", last, re.MULTILINE)
    assert understood(yaml.safe_load(words))
    (check,) = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", last, re.MULTILINE)
    assert understood(yaml.safe_load(check)[1:])
    environment = shlex.split(re.search(r"^ENV ((?:.*\\\n)*.*)$", last, re.MULTILINE)[1].replace("\\\n", " "))  # type: ignore[index]
    names = {assignment.partition("=")[0] for assignment in environment}
    assert names - {"PATH", "PYTHONDONTWRITEBYTECODE"} <= settings()
