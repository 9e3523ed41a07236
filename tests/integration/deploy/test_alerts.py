"""The alert rules for Prometheus."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from imageferry.telemetry.metrics import Metrics
from tests.repository import ROOT

RULES = ROOT / "deploy" / "prometheus" / "imageferry.rules.yaml"
TEST = ROOT / "tests" / "integration" / "deploy" / "alerts.test.yaml"

pytestmark = pytest.mark.integration


needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None and not os.environ.get("CI"), reason="needs promtool (Debian's package prometheus)"
)


def exposed_metrics() -> set[str]:
    """Return the names that queries can use."""
    families = {family.name: family.type for family in Metrics().registry.collect()}
    suffixes = {"counter": ("_total",), "histogram": ("_count", "_bucket", "_sum")}
    return {f"{name}{suffix}" for name, kind in families.items() for suffix in suffixes.get(kind, ("",))}


@needs_promtool
@pytest.mark.parametrize("arguments", [("check", "rules", RULES), ("test", "rules", TEST)], ids=["syntax", "behaviour"])
def test_the_alerts_fire_when_they_should(arguments: tuple[str, ...]) -> None:
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_alerts_use_metrics_that_exist_and_are_all_tested() -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    used = {name for rule in rules for name in re.findall(r"imageferry_\w+", rule["expr"])}
    assert used <= exposed_metrics()
    tested = {
        each["alertname"] for test in yaml.safe_load(TEST.read_text())["tests"] for each in test["alert_rule_test"]
    }
    assert tested == {rule["alert"] for rule in rules}
