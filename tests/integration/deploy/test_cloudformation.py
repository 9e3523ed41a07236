"""The CloudFormation template: what it creates is valid, and gives each role what it needs and nothing else."""

import re
import ssl
from typing import Any

import pytest
import yaml
from msgspec.structs import fields

from imageferry.engine.celery.connections import ConnectedApp
from imageferry.settings import Settings
from imageferry.settings.fields import is_secret, variable_names
from imageferry.settings.url_types import BrokerUrl
from tests.integration.deploy.tools import needs_tools, run
from tests.repository import ROOT
from tests.unit.test_deployment import assert_valid_command

TEMPLATE = ROOT / "deploy" / "aws" / "cloudformation.yaml"
SKIPPED_CHECKS = {
    "CKV_AWS_18": "access logs of the bucket need another bucket; CloudTrail records the same",
    "CKV_AWS_65": "Container Insights costs extra; CPU and memory of each service are there without it",
    "CKV_AWS_91": "access logs of the load balancer need another bucket",
    "CKV_AWS_118": "enhanced monitoring costs extra",
    "CKV_AWS_149": "AWS's own key encrypts the secrets; IAM decides who reads them",
    "CKV_AWS_157": "a standby is a parameter, HighAvailability",
    "CKV_AWS_158": "logs have no secrets, and AWS encrypts them with its own key",
    "CKV_AWS_161": "imageferry signs in with a password",
}

Resource = dict[str, Any]

pytestmark = pytest.mark.integration


class _Loader(yaml.SafeLoader):
    """Reads `!Ref X` as {"Ref": X}, and other functions likewise."""


def _function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Resource:
    match node:
        case yaml.MappingNode():
            return {name: loader.construct_mapping(node, deep=True)}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
    return {name: node.value}


_Loader.add_multi_constructor("!", _function)
RESOURCES: dict[str, Resource] = yaml.load(TEMPLATE.read_text(), _Loader)["Resources"]  # noqa: S506 - a SafeLoader
CONTAINERS: dict[str, Resource] = {
    container["Name"]: container
    for resource in RESOURCES.values()
    if resource["Type"] == "AWS::ECS::TaskDefinition"
    for container in resource["Properties"]["ContainerDefinitions"]
}


def secrets(container: Resource) -> dict[str, Any]:
    """Return where the secret variables of a container come from."""
    entries = [entry["If"][1] if "If" in entry else entry for entry in container["Secrets"]]
    return {entry["Name"]: entry["ValueFrom"] for entry in entries}


def all_values(node: Any, key: str) -> list[Any]:  # noqa: ANN401 - any YAML
    """Return the values of a key, at any depth."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    found = [node[key]] if isinstance(node, dict) and key in node else []
    return found + [value for child in children for value in all_values(child, key)]


@needs_tools
def test_cfn_lint_finds_nothing() -> None:
    checked = run("cfn-lint", str(TEMPLATE))
    assert checked.returncode == 0, checked.stdout


@needs_tools
def test_checkov_finds_nothing_that_we_have_not_decided() -> None:
    arguments = ("--framework", "cloudformation", "--compact", "--quiet", "--skip-download", "--skip-check")
    checked = run("checkov", "-f", str(TEMPLATE), *arguments, ",".join(SKIPPED_CHECKS))
    assert checked.returncode == 0, checked.stdout


def test_the_variables_are_settings_and_every_secret_is_a_reference() -> None:
    settings = {name: setting for setting in fields(Settings) for name in variable_names(setting)}
    for container in CONTAINERS.values():
        plain = {entry["Name"] for entry in container.get("Environment", ())}
        assert plain | secrets(container).keys() <= settings.keys()
        assert not {name for name in plain if is_secret(settings[name])}
        for source in secrets(container).values():
            assert source["Ref"] == "GoogleApiKeySecretArn" or (
                RESOURCES[source["Ref"]]["Type"] == "AWS::SecretsManager::Secret"
            )


def test_no_password_is_written_down() -> None:
    found = [value for key in ("MasterUserPassword", "AuthToken", "Password") for value in all_values(RESOURCES, key)]
    assert found
    assert all(re.fullmatch(r"{{resolve:secretsmanager:\$\{\w+Password\}}}", value["Sub"]) for value in found)
    made = [each["Properties"] for each in RESOURCES.values() if each["Type"] == "AWS::SecretsManager::Secret"]
    # Characters that would need escapes in a URL.
    assert all(each["GenerateSecretString"]["ExcludePunctuation"] for each in made if "SecretString" not in each)


def test_each_role_gets_the_secrets_and_networks_that_it_needs() -> None:
    shared = {"CELERY_BROKER_URL", "GOOGLE_API_KEY"}
    assert {name: secrets(container).keys() for name, container in CONTAINERS.items()} == {
        "migrate": {"DATABASE_URL"},
        "gateway": shared | {"DATABASE_URL", "IMAGEFERRY_API_TOKEN"},
        "crawl": shared | {"DATABASE_URL"},
        "transfer": shared,
        "record": shared | {"DATABASE_URL"},
    }
    services = {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == "AWS::ECS::Service"}
    with_database = {
        name
        for name, service in services.items()
        if {"Ref": "DatabaseClientGroup"} in all_values(service, "SecurityGroups")[0]
    }
    assert services.keys() - with_database == {"TransferService"}


def test_every_container_runs_the_image_of_the_parameter_with_a_valid_command_and_no_privileges() -> None:
    for container in CONTAINERS.values():
        assert container["Image"] == {"Ref": "Image"}
        assert_valid_command(container["Command"])
        assert container["ReadonlyRootFilesystem"]
        assert container["User"] == "10001:10001"
        assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
        assert container["StopTimeout"] == 40


def test_workers_start_after_the_gateway_which_migrates() -> None:
    assert CONTAINERS["gateway"]["DependsOn"] == [{"ContainerName": "migrate", "Condition": "SUCCESS"}]
    workers = [RESOURCES[f"{role}Service"] for role in ("Crawl", "Record", "Transfer")]
    assert [worker["DependsOn"] for worker in workers] == ["GatewayService"] * 3


def test_both_brokers_are_reached_by_tls_and_their_certificates_are_verified() -> None:
    _, redis, rabbitmq = RESOURCES["BrokerUrl"]["Properties"]["SecretString"]["If"]
    redis_url, rabbitmq_url = (re.sub(r"\$\{[^}]*Port\}", "6379", each["Sub"][0]) for each in (redis, rabbitmq))
    for url in (redis_url, rabbitmq_url):
        BrokerUrl(re.sub(r"\$\{[^}]*\}", "x", url))
    connection = ConnectedApp("test", broker_url=re.sub(r"\$\{[^}]*\}", "x", redis_url)).connection_for_read()
    assert connection.ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    assert rabbitmq_url.startswith("amqps://")


def test_images_and_the_catalog_survive_the_removal_of_the_stack() -> None:
    assert {name: each["DeletionPolicy"] for name, each in RESOURCES.items() if "DeletionPolicy" in each} == {
        **dict.fromkeys(("Bucket", "BucketPolicy"), "Retain"),
        "Database": "Snapshot",
        "LogGroup": "Delete",
    }
    assert RESOURCES["Database"]["Properties"]["DeletionProtection"]
