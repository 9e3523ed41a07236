"""Process-wide tuning."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes
from pathlib import Path
from imageferry.runtime import forbid_inspection
forbid_inspection()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), "NoNewPrivs:\\t1" in Path("/proc/self/status").read_text())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has prctl")
def test_a_process_can_forbid_others_to_inspect_it() -> None:
    output = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout
    assert output == "0 True\n"
