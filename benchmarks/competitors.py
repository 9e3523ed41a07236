"""The compared programs, run as their users do, tuned for each scenario."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.measure import RunError
from benchmarks.testbed import Testbed

_BIN = Path(sys.executable).parent


class Competitor(Protocol):
    """A program that copies the testbed's folder to its target."""

    @property
    def name(self) -> str:
        """The name, also the prefix of its files in the target."""
        ...

    def command(self, testbed: Testbed) -> Sequence[str]:
        """Return the command to run."""
        ...

    def environment(self, testbed: Testbed, *, folder: Path) -> Mapping[str, str]:
        """Return its environment. The folder is its own and contains only what it left there."""
        ...

    def check(self, output: str, testbed: Testbed) -> None:
        """Raise RunError when its output reports something else than success."""
        ...


@dataclass(frozen=True, slots=True)
class Imageferry:
    """`imageferry import`: verifies everything and records it in SQL."""

    name: str = "imageferry"

    def command(self, testbed: Testbed) -> Sequence[str]:
        """See Competitor."""
        return [str(_BIN / "imageferry"), "import", testbed.folder_url, "--json"]

    def environment(self, testbed: Testbed, *, folder: Path) -> Mapping[str, str]:
        """See Competitor."""
        return (
            _environment(testbed, folder)
            | {
                "GOOGLE_API_KEY": testbed.api_key,
                "SSL_CERT_FILE": str(testbed.authority_file),
                "IMAGEFERRY_HOME": str(folder / "home"),
                "STORE_URL": f"s3://{testbed.bucket}/{self.name}",
                "AWS_ENDPOINT_URL": testbed.target_url,
                "IMAGEFERRY_TRANSFER_PROCESSES": str(testbed.scenario.transfer_processes),
            }
            | (
                {}
                if testbed.scenario.concurrency is None
                else {"IMAGEFERRY_CONCURRENCY": str(testbed.scenario.concurrency)}
            )
        )

    def check(self, output: str, testbed: Testbed) -> None:
        """See Competitor."""
        result = json.loads(output)
        if result["status"] != "completed" or result["discovered"] != testbed.scenario.files or result["failed"]:
            raise RunError(f"imageferry did not import every file: {output}")


@dataclass(frozen=True, slots=True)
class Rclone:
    """`rclone copy` without its pacer, without a HEAD per object, without listing the target."""

    name: str = "rclone"

    def command(self, testbed: Testbed) -> Sequence[str]:
        """See Competitor."""
        scenario = testbed.scenario
        target = f":s3:{testbed.bucket}/{self.name}"
        options = ["--checksum"] if scenario.is_unchanged else ["--no-check-dest", "--no-traverse", "--s3-no-head"]
        return [
            str(_BIN / "rclone"),
            "copy",
            ":drive:",
            target,
            *options,
            "--fast-list",
            f"--transfers={scenario.concurrency or 16}",
            "--checkers=16",
            "--config=",
            f"--ca-cert={testbed.authority_file}",
            f"--drive-service-account-file={testbed.account_file}",
            f"--drive-root-folder-id={testbed.folder_id}",
            "--drive-scope=drive.readonly",
            *([] if scenario.is_served_by_test_server else ["--drive-pacer-min-sleep=0", "--drive-pacer-burst=1000"]),
            "--drive-skip-gdocs",
            "--s3-provider=Other",
            f"--s3-endpoint={testbed.target_url}",
            "--s3-env-auth",
            "--s3-no-check-bucket",
            "--s3-use-unsigned-payload=true",
        ]

    def environment(self, testbed: Testbed, *, folder: Path) -> Mapping[str, str]:
        """See Competitor."""
        return _environment(testbed, folder)

    def check(self, output: str, testbed: Testbed) -> None:
        """See Competitor. rclone prints nothing; its exit code is checked elsewhere."""


def _environment(testbed: Testbed, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": testbed.access_key,
        "AWS_SECRET_ACCESS_KEY": testbed.secret_key,
        "AWS_REGION": "us-east-1",
    }
