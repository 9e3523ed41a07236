"""The bases for kustomize are the Helm chart's."""

import pytest
import yaml

from tests.integration.deploy.kustomize import KUSTOMIZE, bases
from tests.integration.deploy.tools import needs_tools, run

pytestmark = [pytest.mark.integration, needs_tools]


def test_the_bases_are_what_the_chart_renders_and_kubectl_builds_them() -> None:
    for path, text in bases().items():
        assert path.read_text() == text, "run: python -m tests.integration.deploy.kustomize"
        built = run("kubectl", "kustomize", str(path.parent))
        assert built.returncode == 0, built.stderr
        kinds = [manifest["kind"] for manifest in yaml.safe_load_all(built.stdout)]
        assert kinds.count("Deployment") == (1 if path.parent.name == "single" else 4)
    assert {path.parent.name for path in bases()} == {folder.name for folder in KUSTOMIZE.iterdir()}
