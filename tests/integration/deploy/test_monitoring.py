"""The configuration for Prometheus and the dashboard for Grafana."""

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.deploy.test_alerts import exposed_metrics, needs_promtool
from tests.repository import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
CONFIGURATION = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text())
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "imageferry-dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = {f"{panel['title']} {target['refId']}": target for panel in PANELS for target in panel["targets"]}
OF_WORKERS = {"imageferry_queue_messages"}  # which the process that serves the metrics adds
# | `imageferry_files_total` | `outcome`, `reason` | ... |
DOCUMENTED = re.findall(
    r"^\| `(imageferry_\w+)` \| (.*?) \|", (ROOT / "docs" / "operating.md").read_text(), re.MULTILINE
)
LABELS = {name: set(re.findall(r"(\w+)`", labels)) for name, labels in DOCUMENTED}

pytestmark = pytest.mark.integration


def promtool(*arguments: str | Path) -> None:
    result = subprocess.run(["promtool", "check", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def metrics(query: str) -> set[str]:
    return set(re.findall(r"imageferry_\w+", query))


@needs_promtool
def test_prometheus_accepts_the_configuration_and_finds_its_rules(tmp_path: Path) -> None:
    text = (PROMETHEUS / "prometheus.yaml").read_text()
    token = tmp_path / "imageferry.token"
    token.write_text("token of the test")
    (tmp_path / "prometheus.yaml").write_text(text.replace("/etc/prometheus/imageferry.token", str(token)))
    (tmp_path / "imageferry.rules.yaml").write_bytes((PROMETHEUS / "imageferry.rules.yaml").read_bytes())
    promtool("config", tmp_path / "prometheus.yaml")


def test_only_the_gateway_gets_the_token_and_every_role_is_scraped() -> None:
    gateway, workers = CONFIGURATION["scrape_configs"]
    assert gateway["authorization"].keys() == {"credentials_file"}
    assert "authorization" not in workers
    ports = re.findall(r"\[\w+\]=(\d+)", (ROOT / "deploy" / "systemd" / "install.sh").read_text())
    assert workers["static_configs"][0]["targets"] == [f"127.0.0.1:{port}" for port in ports]


@needs_promtool
def test_prometheus_can_parse_every_query_of_the_dashboard(tmp_path: Path) -> None:
    queries = [target["expr"].replace("$__rate_interval", "5m") for target in QUERIES.values()]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("rules", tmp_path / "rules.yaml")


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    used = {name for target in QUERIES.values() for name in metrics(target["expr"])}
    assert used <= exposed_metrics() | OF_WORKERS
    assert {re.sub("_(bucket|count)$", "", name) for name in used} == LABELS.keys()


@pytest.mark.parametrize("target", QUERIES.values(), ids=QUERIES)
def test_a_query_uses_labels_that_its_metrics_have_and_names_its_lines_by_them(target: dict[str, str]) -> None:
    existing = {label for name in metrics(target["expr"]) for label in LABELS[re.sub("_(bucket|count)$", "", name)]}
    kept = {label for labels in re.findall(r"by \((.*?)\)", target["expr"]) for label in labels.split(", ")}
    selected = {
        label for labels in re.findall(r"\{(.*?)\}", target["expr"]) for label in re.findall(r"(\w+)[=!]", labels)
    }
    assert kept | selected <= existing | {"le"}
    (outermost, *_) = [*re.findall(r"sum by \((.*?)\)|max by \((.*?)\)", target["expr"]), ("", "")]
    shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    assert shown == {label for labels in outermost for label in labels.split(", ") if label} - {"le"}


def test_the_dashboard_has_a_name_and_takes_any_data_source() -> None:
    assert (DASHBOARD["title"], DASHBOARD["uid"]) == ("imageferry", "imageferry")
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    for each in (*PANELS, *QUERIES.values()):
        assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_the_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        assert any(
            first[start] + first[size] <= second[start]
            for start, size in (("x", "w"), ("y", "h"))
            for first, second in ((one, other), (other, one))
        )
