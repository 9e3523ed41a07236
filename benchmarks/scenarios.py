"""What is raced over: the files, where they go, and what stands there already."""

from dataclasses import dataclass
from enum import Enum


class Target(Enum):
    """Where the files go."""

    SINK = "sink"  # nginx, which keeps what it is sent and answers with the digest that it should have
    SERVER = "server"  # `rclone serve s3`, a real S3 server, which takes most of the time itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One race's files and rules."""

    title: str
    files: int
    size_bytes: int  # of each
    folders: int = 1
    depth: int = 1
    target: Target = Target.SINK
    again: bool = False  # everything stands in the target before the clock starts
    source_delay_s: float = 0.0  # of each answer
    target_delay_s: float = 0.0
    at_once: int | None = None  # files, for both; None: what each is best at
    movers: int = 1  # of ours
    quota_scale: float | None = None  # so many times Drive's published quota; rclone runs with its own pacer then
    rounds: int = 5


# What `make bench` runs: a quarter of an hour on quiet cores. The million takes 3 to 8 minutes a run, and 12 GB.
SUITE = ("small", "large", "folders", "again", "server", "latency", "quota", "growth-1", "growth-10")

COURSES = {
    "small": Course(title="many small files", files=10_000, size_bytes=79_000),
    "large": Course(title="fewer large files", files=400, size_bytes=3_300_000, movers=2),
    "folders": Course(title="small files in many folders", files=10_000, size_bytes=79_000, folders=1_000, depth=5),
    "server": Course(
        title="small files to a real S3 server",
        files=10_000,
        size_bytes=79_000,
        target=Target.SERVER,
        at_once=16,
    ),
    "latency": Course(
        title="small files, each answer late",
        files=10_000,
        size_bytes=79_000,
        source_delay_s=0.05,
        target_delay_s=0.03,
        at_once=32,
        rounds=2,
    ),
    "quota": Course(title="tiny files under Drive's quota", files=5_000, size_bytes=2_000, quota_scale=1.0, rounds=1),
    "growth-1": Course(title="a thousand tiny files", files=1_000, size_bytes=500, rounds=3),
    "growth-10": Course(title="ten thousand tiny files", files=10_000, size_bytes=500, rounds=2),
    "growth-100": Course(title="a hundred thousand tiny files", files=100_000, size_bytes=500, rounds=1),
    "growth-1000": Course(title="a million tiny files", files=1_000_000, size_bytes=500, rounds=1),
    "again": Course(title="an unchanged folder", files=10_000, size_bytes=79_000, target=Target.SERVER, again=True),
}
