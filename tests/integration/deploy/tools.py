"""The tools that check the files in deploy/, each a program of the environment .venv-deploy (`make deploy-tools`)."""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.repository import ROOT

BIN = ROOT / ".venv-deploy" / "bin"

needs_tools = pytest.mark.skipif(
    not (BIN / "checkov").exists() and not os.environ.get("CI"), reason="needs `make deploy-tools`"
)


def run(tool: str, *arguments: str, text: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a tool with a text on stdin."""
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [BIN / tool, *arguments], input=text, capture_output=True, text=True, timeout=200, check=False, env=environment
    )


def render_charts(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Render the chart with each of these values; see chart_renderer.py."""
    renderer = ROOT / "tests" / "integration" / "deploy" / "chart_renderer.py"
    result = run("python", str(renderer), text=json.dumps(requests))
    assert result.returncode == 0, result.stderr
    rendered: list[dict[str, Any]] = json.loads(result.stdout)
    return rendered
