"""Lints, renders and validates the Helm chart; runs in .venv-deploy.

Reads a JSON list of values from stdin. Writes a list of {"error": text} or {"manifests": [...], "problems": [...]}.
"""

import json
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from helm_python.chart import Chart, lint
from helm_python.errors import HelmError

CHART = Path(__file__).parents[3] / "deploy" / "helm" / "imageferry"
KUBERNETES_VERSIONS = ("1.29", "1.33", "1.37")
# Kinds that Kubernetes itself doesn't define: those of KEDA, the Prometheus operator and the Gateway API.
CUSTOM_GROUPS = ("keda.sh/", "monitoring.coreos.com/", "gateway.networking.k8s.io/")


def main() -> None:
    """Render each request."""
    json.dump([_render(values) for values in json.load(sys.stdin)], sys.stdout)


def _render(values: dict[str, Any]) -> dict[str, Any]:
    chart = Chart.load(CHART)
    try:
        chart.validate_schema(values)
        rendered = chart.render(values, name="pictures", namespace="photos")
    except HelmError as exc:
        return {"error": str(exc)}
    texts = (text for path, text in rendered.items() if path.endswith(".yaml"))
    manifests = [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]
    problems = [*lint(CHART, values, strict=True)["errors"], *(each for each in map(_problem, manifests) if each)]
    return {"manifests": manifests, "problems": problems}


def _problem(manifest: dict[str, Any]) -> str | None:
    if manifest["apiVersion"].startswith(CUSTOM_GROUPS):
        return None
    for version in KUBERNETES_VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as exc:
            return f"{manifest['kind']} {manifest['metadata']['name']} in Kubernetes {version}: {exc.message}"
    return None


if __name__ == "__main__":
    main()
