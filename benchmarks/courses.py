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


COURSES = {
    "small": Course(title="many small files", files=10_000, size_bytes=79_000),
    "large": Course(title="fewer large files", files=400, size_bytes=3_300_000),
    "folders": Course(title="small files in many folders", files=10_000, size_bytes=79_000, folders=1_000, depth=5),
    "server": Course(title="small files to a real S3 server", files=10_000, size_bytes=79_000, target=Target.SERVER),
    "again": Course(title="an unchanged folder", files=10_000, size_bytes=79_000, target=Target.SERVER, again=True),
}
