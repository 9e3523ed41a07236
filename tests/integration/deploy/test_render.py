"""The blueprint for Render: its fields are documented ones, and its commands, variables and references fit together."""

import shlex
from typing import Any

import pytest
import yaml

from tests.repository import ROOT
from tests.unit.test_deployment import DOCKERFILE, assert_valid_command, settings

BLUEPRINT: dict[str, Any] = yaml.safe_load((ROOT / "render.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = {service["name"]: service for service in BLUEPRINT["services"]}
APPS = {name: service for name, service in SERVICES.items() if service["type"] in {"web", "worker"}}
DATABASES = {database["name"] for database in BLUEPRINT["databases"]}

_APP = {
    *("type", "name", "runtime", "plan", "region", "numInstances", "scaling", "dockerCommand", "preDeployCommand"),
    *("autoDeployTrigger", "maxShutdownDelaySeconds", "envVars"),
}
# The documented fields that make sense here, by type.
FIELDS = {
    "web": _APP | {"healthCheckPath", "domains"},
    "worker": _APP,
    "keyvalue": {"type", "name", "plan", "region", "maxmemoryPolicy", "ipAllowList"},
}
DATABASE_FIELDS = {"name", "plan", "region", "postgresMajorVersion", "diskSizeGB", "ipAllowList"}

pytestmark = pytest.mark.integration


def variables(service: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {variable["key"]: variable for variable in service["envVars"]}


def test_every_field_is_a_documented_one() -> None:
    assert BLUEPRINT.keys() == {"services", "databases"}
    for service in BLUEPRINT["services"]:
        assert service.keys() <= FIELDS[service["type"]]
    for database in BLUEPRINT["databases"]:
        assert database.keys() <= DATABASE_FIELDS
        assert isinstance(database["postgresMajorVersion"], str)
    assert len(SERVICES) == len(BLUEPRINT["services"])
    assert {service["plan"] for service in SERVICES.values()} <= {"starter", "standard", "pro"}


@pytest.mark.parametrize("service", APPS.values(), ids=APPS)
def test_a_service_stops_in_time_and_deploys_on_request(service: dict[str, Any]) -> None:
    assert service["runtime"] == "docker"
    assert service["maxShutdownDelaySeconds"] == 40
    assert service["autoDeployTrigger"] == "off"  # a string: YAML reads a bare off as false
    assert (service.get("healthCheckPath") == "/healthz") == (service["type"] == "web")


@pytest.mark.parametrize("service", APPS.values(), ids=APPS)
def test_every_command_is_valid_and_names_the_program_of_the_image(service: dict[str, Any]) -> None:
    for field in ("dockerCommand", "preDeployCommand"):
        if field in service:
            program, *words = shlex.split(service[field])
            assert program.startswith("/opt/imageferry/bin/")
            assert "/opt/imageferry/bin" in DOCKERFILE
            assert_valid_command(words)


@pytest.mark.parametrize("service", APPS.values(), ids=APPS)
def test_every_variable_is_a_setting_and_every_reference_has_a_target(service: dict[str, Any]) -> None:
    assert variables(service).keys() <= settings()
    for key, variable in variables(service).items():
        (kind,) = variable.keys() - {"key"}
        match kind:
            case "fromService":
                source = SERVICES[variable[kind]["name"]]
                assert source["type"] == variable[kind]["type"]
                if "envVarKey" in variable[kind]:
                    assert variable[kind]["envVarKey"] == key
                    assert key in variables(source)
                else:
                    assert variable[kind]["property"] == "connectionString"
            case "fromDatabase":
                assert variable[kind]["name"] in DATABASES
                assert variable[kind]["property"] == "connectionString"
            case "value":
                assert isinstance(variable[kind], str)
            case _:
                assert variable in ({"key": key, "sync": False}, {"key": key, "generateValue": True})


def test_no_secret_is_in_the_file_and_transfer_workers_get_none_of_the_database() -> None:
    for service in APPS.values():
        plain = {key for key, variable in variables(service).items() if "value" in variable}
        assert plain <= {"IMAGEFERRY_ALLOWED_HOSTS", "IMAGEFERRY_TRUSTED_PROXIES", "IMAGEFERRY_THUMBNAIL_PROCESSES"}
    assert not variables(APPS["imageferry-transfer"]).keys() & {"DATABASE_URL", "IMAGEFERRY_API_TOKEN"}


def test_the_broker_keeps_its_messages_and_nothing_but_the_gateway_is_public() -> None:
    (broker,) = (service for service in SERVICES.values() if service["type"] == "keyvalue")
    assert (broker["maxmemoryPolicy"], broker["ipAllowList"]) == ("noeviction", [])
    assert all(database["ipAllowList"] == [] for database in BLUEPRINT["databases"])
    roles = [APPS[name]["dockerCommand"].split("--role ")[1].split()[0] for name in APPS if name != "imageferry"]
    assert sorted(role for listed in roles for role in listed.split(",")) == ["crawl", "record", "transfer"]
