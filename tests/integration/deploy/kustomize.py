"""Writes deploy/kustomize from the Helm chart: `python -m tests.integration.deploy.kustomize`."""

from pathlib import Path
from typing import Any

import yaml

from tests.integration.deploy.tools import render_charts
from tests.repository import ROOT

KUSTOMIZE = ROOT / "deploy" / "kustomize"
CHART = ROOT / "deploy" / "helm" / "imageferry"
# Only what Helm itself needs: a release's name and labels, and the hook that migrates before an upgrade. Every process
# updates the schema when it starts, if necessary.
_HELM_LABELS = ("app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart")


def bases() -> dict[Path, str]:
    """Return the files to write: one base for each of these value files."""
    names = ("single", "workers")
    values = [yaml.safe_load((CHART / "ci" / f"{name}.yaml").read_text()) for name in names]
    results = render_charts(values)
    return {
        KUSTOMIZE / name / "imageferry.yaml": "# Made from the Helm chart by tests/integration/deploy/kustomize.py.\n"
        + yaml.safe_dump_all([_plain(each) for each in result["manifests"] if each["kind"] != "Job"], sort_keys=False)
        for name, result in zip(names, results, strict=True)
    }


def _plain(node: Any) -> Any:  # noqa: ANN401 - any YAML
    match node:
        case dict():
            return {key: _plain(value) for key, value in node.items() if key not in (*_HELM_LABELS, "namespace")}
        case list():
            return [_plain(each) for each in node]
        case str() if node == "pictures" or node.startswith("pictures-"):
            return node.replace("pictures", "imageferry", 1)
    return node


if __name__ == "__main__":
    for path, text in bases().items():
        path.write_text(text)
