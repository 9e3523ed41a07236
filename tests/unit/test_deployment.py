"""The image and compose.yaml: their commands exist, and their variables are settings of imageferry."""

import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml
from msgspec.structs import fields

from imageferry.cli.app import app
from imageferry.settings import Settings
from imageferry.settings.fields import variable_names
from tests.repository import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN_SERVICES = {name: service for name, service in SERVICES.items() if service["image"].startswith("imageferry:")}
OTHER_SERVICES = {name: service for name, service in SERVICES.items() if name not in OWN_SERVICES}
ENV_FILES = sorted((ROOT / "deploy").glob("*.env"))
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
PASSWORD = "0123456789abcdef"
# Variables of Compose itself, and of the other services.
NOT_SETTINGS = {"COMPOSE_PROFILES", "IMAGEFERRY_VERSION", "SERVICES_PASSWORD"}

# Settings that the image or a command decides, and files, which would have to be mounted too.
NOT_IN_COMPOSE = {
    "IMAGEFERRY_SERVER",  # for commands on other machines
    *("HOST", "PORT", "IMAGEFERRY_HOME", "IMAGEFERRY_LOG_FORMAT", "IMAGEFERRY_WORKER_PROCESSES"),
    *("IMAGEFERRY_INSECURE", "IMAGEFERRY_WAIT_SECONDS"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "AZURE_FEDERATED_TOKEN_FILE", "AWS_PROFILE"),
}


def settings() -> set[str]:
    return {name for setting in fields(Settings) for name in variable_names(setting)}


def variables(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def assert_valid_command(words: list[str]) -> None:
    """Check that the command line accepts these words; click raises its own error if it does not."""
    name, *arguments = words
    command = app.get_command(click.Context(app), name)
    assert command is not None
    command.make_context(name, list(arguments))


@pytest.mark.parametrize("service", OWN_SERVICES.values(), ids=OWN_SERVICES)
def test_every_command_of_a_service_is_valid(service: dict[str, Any]) -> None:
    assert_valid_command(service["command"])
    if not service.get("healthcheck", {}).get("disable"):
        kind, program, *words = service["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "imageferry")
        assert_valid_command(words)


@pytest.mark.parametrize("service", OWN_SERVICES.values(), ids=OWN_SERVICES)
def test_every_variable_of_a_service_is_a_setting_and_keeps_its_name(service: dict[str, Any]) -> None:
    assert service["environment"].keys() <= settings()
    for name, value in service["environment"].items():
        found = VARIABLE.fullmatch(str(value))
        assert found is None or found[1] == name


def test_every_setting_can_be_passed_to_a_service() -> None:
    passed_on = {name for service in OWN_SERVICES.values() for name in service["environment"]}
    assert {setting.encode_name for setting in fields(Settings)} - passed_on == NOT_IN_COMPOSE


@pytest.mark.parametrize("service", OWN_SERVICES.values(), ids=OWN_SERVICES)
def test_a_container_has_only_the_privileges_that_it_needs(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - a path in the container
    assert "privileged" not in service
    assert "user" not in service  # the image sets an unprivileged user


def test_uploaders_have_no_database_and_can_be_scaled() -> None:
    transfer = OWN_SERVICES["transfer"]
    assert not {name for name in transfer["environment"] if "DATABASE" in name}
    assert not transfer.keys() & {"container_name", "ports", "volumes"}


def test_only_the_gateway_has_a_port_and_only_on_loopback() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["imageferry"]
    (port,) = OWN_SERVICES["imageferry"]["ports"]
    assert port.startswith("127.0.0.1:")
    assert VARIABLE.fullmatch(OWN_SERVICES["imageferry"]["environment"]["IMAGEFERRY_API_TOKEN"])


@pytest.mark.parametrize("name", sorted(OWN_SERVICES.keys() - {"migrate", "transfer"}))
def test_a_service_that_needs_the_catalog_waits_for_its_migration(name: str) -> None:
    assert OWN_SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_without_a_profile_only_the_gateway_runs_after_the_migration() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {"migrate", "imageferry"}
    assert {name for name, service in SERVICES.items() if "full" in service.get("profiles", ())} == {
        *("crawl", "transfer", "record"),
        *("postgres", "rabbitmq", "redis", "bucket", "s3"),
    }
    # A service must not wait for a service that its profile leaves out.
    for service in OWN_SERVICES.values():
        needed = [name for name, condition in service.get("depends_on", {}).items() if condition.get("required", True)]
        assert set(needed) <= {"migrate"}


@pytest.mark.parametrize("name", ["compose.yaml", "docs/operating.md"])
def test_the_users_env_file_is_named_last_because_the_last_one_wins(name: str) -> None:
    commands = re.findall(r"docker compose (--env-file .*)", (ROOT / name).read_text())
    assert commands
    for words in commands:
        assert re.findall(r"--env-file (\S+)", words)[-1] == ".env"


@pytest.mark.parametrize("path", ENV_FILES, ids=lambda path: path.stem)
def test_an_env_file_sets_only_variables_that_compose_uses(path: Path) -> None:
    passed_on = {match[1] for service in SERVICES.values() for match in VARIABLE.finditer(str(service))}
    env = variables(path)
    assert env.keys() <= passed_on | {"COMPOSE_PROFILES"}
    assert env.keys() <= settings() | NOT_SETTINGS
    profiles = {profile for service in SERVICES.values() for profile in service.get("profiles", ())}
    assert set(env["COMPOSE_PROFILES"].split(",")) <= profiles


@pytest.mark.parametrize("path", ENV_FILES, ids=lambda path: path.stem)
def test_an_env_file_refers_only_to_services_that_run(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    env = variables(ROOT / "deploy" / "full.env") | variables(path)
    profiles = set(env["COMPOSE_PROFILES"].split(","))
    running = {name for name, service in SERVICES.items() if profiles & set(service.get("profiles", ()))}
    assert {"crawl", "transfer", "record"} <= running
    hosts = {name for name in OTHER_SERVICES if re.search(rf"(@|//){name}[:/]", " ".join(env.values()))}
    if env["STORE_URL"].startswith("az:"):
        hosts.discard("s3")  # the endpoint is not used then
    assert hosts <= running
    monkeypatch.chdir(tmp_path)
    for name, value in env.items():
        monkeypatch.setenv(name, VARIABLE.sub(PASSWORD, value))
    loaded = Settings.load()
    assert loaded.celery_broker_url is not None
    assert loaded.effective_quota_url is not None
    for url in (loaded.celery_broker_url.reveal(), loaded.effective_quota_url, loaded.catalog_url):
        assert urlsplit(url).password == PASSWORD


def test_the_broker_and_the_other_services_have_a_password_and_none_is_in_a_file() -> None:
    for name in ("postgres", "mysql", "rabbitmq", "redis", "s3"):
        assert "${SERVICES_PASSWORD:-}" in {*OTHER_SERVICES[name]["environment"].values()}
    redis = OTHER_SERVICES["redis"]["command"]
    assert redis[-4:] == ["--protected-mode", "yes", "--requirepass", "${SERVICES_PASSWORD:-}"]
    for path in [ROOT / "compose.yaml", *ENV_FILES]:
        assert re.findall(r"^\s*SERVICES_PASSWORD=", path.read_text(), re.MULTILINE) == []
    for name in ("compose.yaml", "docs/operating.md"):
        text = (ROOT / name).read_text()
        assert 'echo "SERVICES_PASSWORD=$(openssl rand -hex 32)" > .passwords.env' in text
        assert "--env-file .passwords.env --env-file deploy/full.env" in text
    assert ".passwords.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_image_runs_as_an_unprivileged_user_and_checks_its_health() -> None:
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert 'ENTRYPOINT ["imageferry"]' in last
    (words,) = re.findall(r"^CMD (\[.*\])$", last, re.MULTILINE)
    assert_valid_command(yaml.safe_load(words))
    (check,) = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", last, re.MULTILINE)
    assert_valid_command(yaml.safe_load(check)[1:])
    environment = shlex.split(re.search(r"^ENV ((?:.*\\\n)*.*)$", last, re.MULTILINE)[1].replace("\\\n", " "))  # type: ignore[index]
    names = {assignment.partition("=")[0] for assignment in environment}
    assert names - {"PATH", "PYTHONDONTWRITEBYTECODE"} <= settings()
