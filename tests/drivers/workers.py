"""Workers as real processes, which can be stopped, killed and frozen."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

from msgspec.structs import replace

from imageferry.application.results import ImportResult
from tests.drivers.import_flow import ImportFlow
from tests.drivers.processes import Command, command, environment_of
from tests.servers.brokers import Broker, open_broker
from tests.servers.databases import database

ALL_ROLES = "crawl,transfer,record"
POLL_INTERVAL_S = 0.05
LOG_LINES_MAX = 60
# Short enough that a test notices lost work, long enough that a busy process is not considered dead.
LEASE_S = 2
UNSERVED_AFTER_MS = 120_000  # longer than a worker takes to start on a busy machine
BATCHES_IN_FLIGHT = 4  # fewer batches than a job has
# Slow enough that a job still has work left at the next fault, even on a fast machine.
CONCURRENCY = 8  # files per process
LATENCY_S = 0.1  # of each response of a slow source

log = logging.getLogger(__name__)


class Worker:
    """A running `imageferry work`; see `WorkerGroup`."""

    def __init__(self, process: asyncio.subprocess.Process, *, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def process_id(self) -> int:
        """Its process id, which is also its process group id."""
        return self._process.pid

    @property
    def log_text(self) -> str:
        """Everything that it logged so far."""
        return self._log.read_text()

    async def wait_for_log(self, text: str, *, times: int = 1) -> None:
        """Wait until its log contains `text` at least `times` times; the test's timeout bounds the wait."""
        while self.log_text.count(text) < times:
            assert self._process.returncode is None, self.log_text
            await asyncio.sleep(POLL_INTERVAL_S)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.send_signal(SIGTERM)

    async def stop(self) -> int:
        """Send SIGTERM, wait until it ends, and return its exit code."""
        self.terminate()
        return await self.wait()

    async def wait(self) -> int:
        """Wait until it ends, and return its exit code."""
        return await self._process.wait()

    async def kill(self) -> None:
        """Kill it and all its processes."""
        self._signal(SIGKILL)
        await self._process.wait()

    def freeze(self) -> None:
        """Suspend it and all its processes."""
        self._signal(SIGSTOP)

    def thaw(self) -> None:
        """Resume what `freeze` suspended."""
        self._signal(SIGCONT)

    def children(self) -> list[int]:
        """Return the ids of the processes that it forked."""
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@dataclass(kw_only=True)
class WorkerGroup:
    """Starts workers for a flow over a broker."""

    flow: ImportFlow
    broker: Broker
    environment: dict[str, str] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)

    async def start(self, roles: str = ALL_ROLES, *, processes: int = 1, **environment: str) -> Worker:
        """Start a worker in its own process group and wait until it is ready."""
        log = self.flow.home.parent / f"worker-{len(self.workers)}.log"
        with log.open("wb") as log_file:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "imageferry", "work", "--role", roles, "--processes", str(processes)),
                env=self._environment(roles) | environment,
                cwd=self.flow.home.parent,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                start_new_session=True,
            )
        worker = Worker(process, log=log)
        self.workers.append(worker)
        await worker.wait_for_log("worker.ready")
        return worker

    @asynccontextmanager
    async def command(self, *arguments: str) -> AsyncIterator[Command]:
        """Run `imageferry ...` over the group's broker; kill it at the end of the context if it still runs."""
        environment = shared_environment_of(self.flow) | self.environment
        async with command(self.flow, *arguments, environment=environment) as running:
            yield running

    def log_state(self) -> None:
        """Log the latest state of the job and the ends of the workers' logs, for the analysis of a failed test."""
        log.warning("The job: %s", self.flow.progress[-1:])
        for number, worker in enumerate(self.workers):
            log.warning("Worker %d:\n%s", number, "\n".join(worker.log_text.splitlines()[-LOG_LINES_MAX:]))

    def _environment(self, roles: str) -> dict[str, str]:
        environment = shared_environment_of(self.flow) | {"IMAGEFERRY_LOG_LEVEL": "info"} | self.environment
        if roles == "transfer":
            # An uploader has no access to the catalog or to the home folder of the others.
            del environment["DATABASE_URL"]
            environment["IMAGEFERRY_HOME"] = str(self.flow.home.parent / "elsewhere")
        return environment


async def wait_for_progress(flow: ImportFlow, importing: asyncio.Task[ImportResult], *, files: int) -> None:
    """Wait until a running import has processed this many files."""
    while not flow.progress or flow.progress[-1].processed < files:
        if importing.done():
            raise AssertionError(f"The import ended first: {importing.result()}")
        await asyncio.sleep(POLL_INTERVAL_S)


def shared_environment_of(flow: ImportFlow) -> dict[str, str]:
    """Return the flow's settings as environment variables, for a shared broker and catalog."""
    settings = flow.settings
    assert settings.celery_broker_url is not None
    store_credentials = {
        name.upper(): value for name, value in flow.setting_overrides.items() if name.startswith("aws_")
    }
    return (
        environment_of(flow)
        | {
            "IMAGEFERRY_LEASE_SECONDS": str(LEASE_S),
            "IMAGEFERRY_BATCHES_IN_FLIGHT": str(BATCHES_IN_FLIGHT),
            "IMAGEFERRY_CONCURRENCY": str(CONCURRENCY),
        }
        | store_credentials
        | {
            "DATABASE_URL": settings.catalog_url,
            "CELERY_BROKER_URL": settings.celery_broker_url.reveal(),
            "IMAGEFERRY_QUEUE_PREFIX": settings.queue_prefix,
            "STORE_URL": settings.effective_store_url,
        }
    )


@asynccontextmanager
async def open_worker_group(
    kind: str, flow: ImportFlow, *, folder: Path, broker_url: str | None = None
) -> AsyncIterator[WorkerGroup]:
    """Open an empty group of workers over one kind of broker, with a PostgreSQL catalog; remove all of it at the end.

    The flow runs over this broker too.
    """
    with database("postgresql", folder) as database_url, open_broker(kind, server_url=broker_url) as broker:
        flow.setting_overrides |= {
            "celery_broker_url": broker.url,
            "queue_prefix": broker.prefix,
            "database_url": database_url,
            "lease_s": LEASE_S,
            "batches_in_flight": BATCHES_IN_FLIGHT,
        }
        lease_policy = replace(
            flow.limits.lease_policy,
            lease_ms=LEASE_S * 1000,
            batches_in_flight_max=BATCHES_IN_FLIGHT,
            unserved_after_ms=UNSERVED_AFTER_MS,
        )
        flow.limits = replace(flow.limits, lease_policy=lease_policy)
        group = WorkerGroup(flow=flow, broker=broker)
        try:
            yield group
        finally:
            for worker in group.workers:
                await worker.kill()
            group.log_state()
