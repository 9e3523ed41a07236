"""The units for systemd and the script that installs them; without root, into a folder of the test."""

import os
import shutil
import stat
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from msgspec.structs import fields

from imageferry.settings import Settings
from imageferry.settings.fields import secret_file_names, variable_names
from tests.repository import ROOT
from tests.unit.test_deployment import assert_valid_command, settings, variables

SYSTEMD = ROOT / "deploy" / "systemd"
PROGRAM = "/opt/imageferry/bin/imageferry"
ROLES = ("crawl", "transfer", "record")
SERVICES = ("imageferry", "imageferry-migrate", *(f"imageferry-worker@{role}" for role in ROLES))
UNIT_FILES = ("imageferry", "imageferry-migrate", "imageferry-worker@")
SECRETS = {name.removesuffix("_FILE") for setting in fields(Settings) for name in secret_file_names(setting)}
CREDENTIAL_FILES = {"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT"}  # settings that name a file

pytestmark = pytest.mark.integration


def needs(program: str, *, package: str) -> pytest.MarkDecorator:
    missing = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(missing, reason=f"needs {program} (Debian's package {package})")


def run(*words: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    environment |= {"PATH": os.environ["PATH"]}
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=environment)


def install(root: Path, *arguments: str) -> str:
    result = run(SYSTEMD / "install.sh", *arguments, DESTDIR=str(root))
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder in which imageferry is installed with every secret that there is."""
    secrets = tmp_path / "etc" / "imageferry" / "secrets"
    secrets.mkdir(parents=True)
    for name in SECRETS | CREDENTIAL_FILES:
        (secrets / name).write_text("secret of the test")
    install(tmp_path)
    return tmp_path


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def directives(root: Path, service: str) -> dict[str, list[str]]:
    """Return what systemd reads for a service, from its unit and its drop-ins: the values of each key."""
    name, at, _ = service.partition("@")
    folder, template = root / "etc" / "systemd" / "system", f"{name}{at}.service"
    dropins = [path for each in {template, f"{service}.service"} for path in (folder / f"{each}.d").glob("*.conf")]
    values = defaultdict(list)
    for path in [folder / template, *dropins]:
        for line in path.read_text().splitlines():
            key, assigned, value = line.partition("=")
            if assigned and not line.startswith("#"):
                values[key].append(value)
    return values


def environment(root: Path, service: str) -> dict[str, str]:
    return dict(word.split("=", 1) for line in directives(root, service)["Environment"] for word in line.split())


def credentials(root: Path, service: str) -> set[str]:
    return {value.partition(":")[0] for value in directives(root, service)["LoadCredential"]}


@needs("shellcheck", package="shellcheck")
def test_shellcheck_finds_nothing_in_the_script() -> None:
    result = run("shellcheck", SYSTEMD / "install.sh")
    assert result.returncode == 0, result.stdout


def test_the_script_writes_these_files_and_nothing_else_and_keeps_what_was_changed(tmp_path: Path) -> None:
    install(tmp_path)
    units = {f"etc/systemd/system/{name}.service" for name in UNIT_FILES}
    assert files(tmp_path) == {
        *units,
        *(f"{unit}.d/10-common.conf" for unit in units),
        *(f"etc/systemd/system/{name}.service.d/20-secrets.conf" for name in SERVICES),
        *("etc/imageferry/imageferry.env", "etc/imageferry/secrets/IMAGEFERRY_API_TOKEN"),
    }
    token = tmp_path / "etc" / "imageferry" / "secrets" / "IMAGEFERRY_API_TOKEN"
    settings_file = tmp_path / "etc" / "imageferry" / "imageferry.env"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700
    before = token.read_text()
    assert len(before) == 64
    settings_file.write_text("IMAGEFERRY_LOG_LEVEL=debug\n")
    install(tmp_path)
    assert (token.read_text(), settings_file.read_text()) == (before, "IMAGEFERRY_LOG_LEVEL=debug\n")


def test_a_file_among_the_secrets_that_is_none_is_named_and_not_passed_on(root: Path) -> None:
    (root / "etc" / "imageferry" / "secrets" / "GOOGLE_API_KEY.old").write_text("old")
    assert "GOOGLE_API_KEY.old is not used" in install(root)
    assert "GOOGLE_API_KEY.old" not in credentials(root, "imageferry")


def test_uninstalling_keeps_settings_secrets_and_changes_and_says_so(root: Path) -> None:
    own = root / "etc" / "systemd" / "system" / "imageferry.service.d" / "override.conf"
    own.write_text("[Service]\nMemoryMax=4G\n")
    said = install(root, "--uninstall")
    assert {path for path in files(root) if "systemd" in path} == {str(own.relative_to(root))}
    assert (root / "etc" / "imageferry" / "secrets" / "DATABASE_URL").exists()
    assert all(kept in said for kept in ("/etc/imageferry", "/var/lib/imageferry", "the user imageferry"))


@pytest.mark.parametrize("arguments", [["--help"], ["-x"], ["a", "b"]], ids=" ".join)
def test_other_arguments_are_refused(arguments: list[str], tmp_path: Path) -> None:
    assert run(SYSTEMD / "install.sh", *arguments, DESTDIR=str(tmp_path)).returncode == 1
    assert files(tmp_path) == set()


@needs("systemd-analyze", package="systemd")
@pytest.mark.parametrize("service", SERVICES)
def test_systemd_accepts_the_units_and_finds_little_exposed(root: Path, service: str) -> None:
    folder = root / "etc" / "systemd" / "system"
    for unit in folder.glob("*.service"):  # systemd looks for the program, too
        unit.write_text(unit.read_text().replace(PROGRAM, shutil.which("true") or ""))
    own, path = folder / f"{service}.service", f"{folder}:"
    verified = run("systemd-analyze", "verify", "--man=no", own, SYSTEMD_UNIT_PATH=path)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    secured = run("systemd-analyze", "security", "--offline=true", "--threshold=20", own, SYSTEMD_UNIT_PATH=path)
    assert secured.returncode == 0, secured.stdout + secured.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_a_valid_command_with_settings_that_exist(root: Path, service: str) -> None:
    (command,) = directives(root, service)["ExecStart"]
    program, *words = command.replace("%i", service.rpartition("@")[2]).split()
    assert program == PROGRAM
    assert_valid_command(words)
    variables_of_secrets = {f"{name}_FILE" for name in SECRETS}
    assert environment(root, service).keys() <= settings() | variables_of_secrets
    assert directives(root, service)["TimeoutStopSec"] == ["40"]


def test_the_examples_of_settings_exist_and_are_no_secrets(tmp_path: Path) -> None:
    text = (SYSTEMD / "imageferry.env").read_text()
    (tmp_path / "uncommented.env").write_text("\n".join(line[1:] for line in text.splitlines() if line[:2] != "# "))
    names = variables(tmp_path / "uncommented.env").keys()
    assert names
    assert names <= {name for setting in fields(Settings) for name in variable_names(setting)} - SECRETS


@pytest.mark.parametrize("service", SERVICES)
def test_secrets_are_credentials_and_nothing_else(root: Path, service: str) -> None:
    named = {
        name: value for name, value in environment(root, service).items() if name in CREDENTIAL_FILES | SECRETS
    } | {name: value for name, value in environment(root, service).items() if name.endswith("_FILE")}
    assert set(named.values()) == {f"%d/{name}" for name in credentials(root, service)}
    assert not named.keys() & SECRETS
    for value in directives(root, service)["LoadCredential"]:
        name, _, path = value.partition(":")
        assert path == f"/etc/imageferry/secrets/{name}"


def test_each_service_gets_the_secrets_that_it_needs(root: Path) -> None:
    def of_the_catalog(name: str) -> bool:
        return name.startswith(("DATABASE_", "DB_", "SQLALCHEMY_"))

    given = {service: credentials(root, service) for service in SERVICES}
    assert given["imageferry"] == SECRETS | CREDENTIAL_FILES
    assert given["imageferry-migrate"] == {name for name in SECRETS if of_the_catalog(name)} >= {"DATABASE_URL"}
    assert given["imageferry-worker@crawl"] == given["imageferry"] - {"IMAGEFERRY_API_TOKEN"}
    assert given["imageferry-worker@record"] == given["imageferry-worker@crawl"]
    withheld = given["imageferry-worker@crawl"] - given["imageferry-worker@transfer"]
    assert withheld == given["imageferry-migrate"] | {"IMAGEFERRY_WEBHOOK_SECRET"}


def test_the_workers_of_a_machine_have_different_ports_and_none_is_the_gateways(root: Path) -> None:
    ports = [environment(root, f"imageferry-worker@{role}")["IMAGEFERRY_HEALTH_PORT"] for role in ROLES]
    assert len({*ports, "8000"}) == 4
    text = (ROOT / "docs" / "vm.md").read_text()
    assert all(
        f"{role} on port {port}" in text or f"{role} on {port}" in text for role, port in zip(ROLES, ports, strict=True)
    )
