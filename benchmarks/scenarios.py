"""The benchmark scenarios: files, target and conditions."""

from dataclasses import dataclass
from enum import Enum


class Target(Enum):
    """The target of the files."""

    SINK = "sink"  # nginx, which stores files and returns their expected digests
    SERVER = "server"  # `rclone serve s3`, a real S3 server, which takes most of the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The files and conditions of a scenario."""

    title: str
    files: int
    size_bytes: int  # of each
    folders: int = 1
    depth: int = 1
    target: Target = Target.SINK
    is_unchanged: bool = False  # everything is in the target before the measurement
    source_latency_s: float = 0.0  # of each response
    target_latency_s: float = 0.0
    concurrency: int | None = None  # of files, for both programs; None: the best value of each
    transfer_processes: int = 1  # of imageferry
    quota_scale: float | None = None  # multiple of Drive's published quota; rclone then uses its pacer
    refused_share: float | None = None  # of downloads, at random; rclone then uses its pacer
    rounds: int = 5

    @property
    def is_served_by_test_server(self) -> bool:
        """Whether the test server serves the files' bytes, because it decides about each call; otherwise nginx does."""
        return self.quota_scale is not None or self.refused_share is not None


# `make bench` runs these, in 15 minutes on idle cores. The million takes 3 to 8 minutes per run, and 12 GB.
SUITE = (
    "small",
    "large",
    "folders",
    "again",
    "server",
    "latency",
    "quota",
    "refused-0",
    "refused-2",
    "refused-10",
    "growth-1",
    "growth-10",
)

SCENARIOS = {
    "small": Scenario(title="many small files", files=10_000, size_bytes=79_000),
    "large": Scenario(title="fewer large files", files=400, size_bytes=3_300_000, transfer_processes=2),
    "folders": Scenario(title="small files in many folders", files=10_000, size_bytes=79_000, folders=1_000, depth=5),
    "server": Scenario(
        title="small files to a real S3 server",
        files=10_000,
        size_bytes=79_000,
        target=Target.SERVER,
        concurrency=16,
    ),
    "latency": Scenario(
        title="small files with network latency",
        files=10_000,
        size_bytes=79_000,
        source_latency_s=0.05,
        target_latency_s=0.03,
        concurrency=32,
        rounds=2,
    ),
    "quota": Scenario(title="tiny files under Drive's quota", files=5_000, size_bytes=2_000, quota_scale=1.0, rounds=1),
    **{
        f"refused-{percent}": Scenario(
            title=f"small files, {percent}% of the downloads refused at random",
            files=600,
            size_bytes=79_000,
            source_latency_s=0.1,
            refused_share=percent / 100,
            rounds=1,
        )
        for percent in (0, 2, 10)
    },
    "growth-1": Scenario(title="a thousand tiny files", files=1_000, size_bytes=500, rounds=3),
    "growth-10": Scenario(title="ten thousand tiny files", files=10_000, size_bytes=500, rounds=2),
    "growth-100": Scenario(title="a hundred thousand tiny files", files=100_000, size_bytes=500, rounds=1),
    "growth-1000": Scenario(title="a million tiny files", files=1_000_000, size_bytes=500, rounds=1),
    "again": Scenario(
        title="an unchanged folder", files=10_000, size_bytes=79_000, target=Target.SERVER, is_unchanged=True
    ),
}
