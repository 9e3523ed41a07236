"""The Helm chart: what it renders is valid, and gives each role what it needs and nothing else."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import fields

from imageferry import __version__
from imageferry.settings import Settings
from imageferry.settings.fields import secret_file_names, variable_names
from tests.integration.deploy.tools import needs_tools, render_charts, run
from tests.repository import ROOT

CHART = ROOT / "deploy" / "helm" / "imageferry"
VALUES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((CHART / "ci").glob("*.yaml"))}
# What checkov would also have: limits of CPU only slow a container down; images by digest and network policies are the
# operator's choice (keda.yaml and restricted.yaml show both); the pod of the migration needs no policy of its own.
SKIPPED_CHECKS = "CKV_K8S_11,CKV_K8S_43,CKV_K8S_15,CKV2_K8S_6"

Manifest = dict[str, Any]

pytestmark = [pytest.mark.integration, needs_tools]


@pytest.fixture(scope="module")
def rendered() -> dict[str, Manifest]:
    """Return what the chart renders for each value file."""
    return dict(zip(VALUES, render_charts(list(VALUES.values())), strict=True))


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Return the pods by role."""
    templates = [each["spec"]["template"] for each in manifests if each["kind"] in {"Deployment", "Job"}]
    return {template["metadata"]["labels"]["app.kubernetes.io/component"]: template["spec"] for template in templates}


def test_the_value_files_render_valid_objects_of_every_kind(rendered: dict[str, Manifest]) -> None:
    assert {name: result["problems"] for name, result in rendered.items() if result["problems"]} == {}
    for result in rendered.values():
        names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in result["manifests"]]
        assert len(set(names)) == len(names)
        assert {manifest["metadata"]["namespace"] for manifest in result["manifests"]} == {"photos"}
    assert {manifest["kind"] for result in rendered.values() for manifest in result["manifests"]} == {
        *("Deployment", "Service", "ServiceAccount", "Job", "PersistentVolumeClaim"),
        *("HorizontalPodAutoscaler", "ScaledObject", "PodDisruptionBudget", "NetworkPolicy", "Ingress", "HTTPRoute"),
        *("ServiceMonitor", "PodMonitor", "PrometheusRule"),
    }


def test_checkov_finds_nothing_that_we_have_not_decided(rendered: dict[str, Manifest], tmp_path: Path) -> None:
    for name, result in rendered.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump_all(result["manifests"]))
    arguments = ("--framework", "kubernetes", "--compact", "--quiet", "--skip-download", "--skip-check", SKIPPED_CHECKS)
    checked = run("checkov", "-d", str(tmp_path), *arguments)
    assert checked.returncode == 0, checked.stdout


def test_transfer_workers_get_no_secret_of_the_database_or_the_gateway(rendered: dict[str, Manifest]) -> None:
    by_role = pods(rendered["workers"]["manifests"])
    variables = {role: {entry["name"] for entry in pod["containers"][0]["env"]} for role, pod in by_role.items()}
    assert variables["transfer"] >= {"CELERY_BROKER_URL_FILE", "AWS_SECRET_ACCESS_KEY_FILE", "GOOGLE_API_KEY_FILE"}
    assert "DATABASE_URL_FILE" not in variables["transfer"]
    assert [role for role, names in variables.items() if "IMAGEFERRY_API_TOKEN_FILE" in names] == ["gateway"]
    assert variables["migrate"] & {"DATABASE_URL_FILE", "AWS_SECRET_ACCESS_KEY_FILE"} == {"DATABASE_URL_FILE"}
    assert "DATABASE_URL_FILE" in variables["record"]


def test_no_pod_is_root_or_writes_its_image_or_has_a_secret_in_its_environment(rendered: dict[str, Manifest]) -> None:
    for pod in (pod for result in rendered.values() for pod in pods(result["manifests"]).values()):
        (container,) = pod["containers"]
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert not security["allowPrivilegeEscalation"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        assert all("value" in entry for entry in container["env"])
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


CONTRADICTIONS: list[tuple[Manifest, str]] = [
    ({"secrets": {}}, "IMAGEFERRY_API_TOKEN"),
    ({"persistence": {"enabled": False}}, "keep the catalog"),
    ({"gateway": {"replicas": 2}}, "Several gateways"),
    ({"workers": {"enabled": True}, "persistence": {"enabled": False}}, "CELERY_BROKER_URL"),
    ({"config": {"CELERY_BROKER_URL": "redis://"}, "workers": {"enabled": True}}, "DATABASE_URL"),
    ({"gateways": 2}, "gateways"),
    ({"config": {"store-url": "x"}}, "store-url"),
]


def test_values_that_contradict_each_other_are_refused() -> None:
    results = render_charts([VALUES["single"] | changes for changes, _ in CONTRADICTIONS])
    for result, (_, message) in zip(results, CONTRADICTIONS, strict=True):
        assert message in result.get("error", "")


def test_the_chart_has_the_version_the_settings_and_the_alerts_of_imageferry(rendered: dict[str, Manifest]) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    settings = {name for setting in fields(Settings) for name in variable_names(setting)}
    assert {name for values in VALUES.values() for name in values.get("config", ())} <= settings
    secret_files = {name for setting in fields(Settings) for name in secret_file_names(setting)}
    assert {f"{name}_FILE" for values in VALUES.values() for name in values["secrets"]} <= secret_files
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "imageferry.rules.yaml").read_text())
    (alerts,) = (each for each in rendered["monitored"]["manifests"] if each["kind"] == "PrometheusRule")
    assert alerts["spec"] == rules
