"""The programs that race, each as its users run it, tuned for this race."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.measure import RunError
from benchmarks.testbed import Arena

_BIN = Path(sys.executable).parent


class Contestant(Protocol):
    """A program that brings the arena's folder into its target."""

    @property
    def name(self) -> str:
        """Also the prefix that its files have in the target."""
        ...

    def command(self, arena: Arena) -> Sequence[str]:
        """What is run."""
        ...

    def environment(self, arena: Arena, *, folder: Path) -> Mapping[str, str]:
        """In which environment; the folder is its own, empty but for what it left there itself."""
        ...

    def check(self, output: str, arena: Arena) -> None:
        """Raises RunError when what it says of its run is not what was asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Imageferry:
    """`imageferry import`: everything verified and recorded in SQL."""

    name: str = "imageferry"

    def command(self, arena: Arena) -> Sequence[str]:
        """See Contestant."""
        return [str(_BIN / "imageferry"), "import", arena.folder_url, "--json"]

    def environment(self, arena: Arena, *, folder: Path) -> Mapping[str, str]:
        """See Contestant."""
        return (
            _environment(arena, folder)
            | {
                "GOOGLE_API_KEY": arena.api_key,
                "SSL_CERT_FILE": str(arena.authority),
                "IMAGEFERRY_HOME": str(folder / "home"),
                "STORE_URL": f"s3://{arena.bucket}/{self.name}",
                "AWS_ENDPOINT_URL": arena.target_url,
                "IMAGEFERRY_MOVERS": str(arena.course.movers),
            }
            | ({} if arena.course.at_once is None else {"IMAGEFERRY_CONCURRENCY": str(arena.course.at_once)})
        )

    def check(self, output: str, arena: Arena) -> None:
        """See Contestant."""
        told = json.loads(output)
        if told["status"] != "completed" or told["discovered"] != arena.course.files or told["failed"]:
            raise RunError(f"imageferry did not bring every file: {output}")


@dataclass(frozen=True, slots=True)
class Rclone:
    """`rclone copy` without its pacer, without a HEAD for each object, without a look into the target."""

    name: str = "rclone"

    def command(self, arena: Arena) -> Sequence[str]:
        """See Contestant."""
        course = arena.course
        target = f":s3:{arena.bucket}/{self.name}"
        rules = ["--checksum"] if course.again else ["--no-check-dest", "--no-traverse", "--s3-no-head"]
        return [
            str(_BIN / "rclone"),
            "copy",
            ":drive:",
            target,
            *rules,
            "--fast-list",
            f"--transfers={course.at_once or 16}",
            "--checkers=16",
            "--config=",
            f"--ca-cert={arena.authority}",
            f"--drive-service-account-file={arena.account_file}",
            f"--drive-root-folder-id={arena.folder_id}",
            "--drive-scope=drive.readonly",
            *([] if course.quota_scale else ["--drive-pacer-min-sleep=0", "--drive-pacer-burst=1000"]),
            "--drive-skip-gdocs",
            "--s3-provider=Other",
            f"--s3-endpoint={arena.target_url}",
            "--s3-env-auth",
            "--s3-no-check-bucket",
            "--s3-use-unsigned-payload=true",
        ]

    def environment(self, arena: Arena, *, folder: Path) -> Mapping[str, str]:
        """See Contestant."""
        return _environment(arena, folder)

    def check(self, output: str, arena: Arena) -> None:
        """See Contestant; rclone says nothing, its exit code is its word."""


def _environment(arena: Arena, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": arena.access_key,
        "AWS_SECRET_ACCESS_KEY": arena.secret_key,
        "AWS_REGION": "us-east-1",
    }
