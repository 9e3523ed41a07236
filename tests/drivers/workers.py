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

from imageferry.cli.handlers.import_ import Ending
from tests.drivers.import_flow import Flow
from tests.drivers.processes import Command, command, environment_of
from tests.servers.brokers import Broker, broker
from tests.servers.databases import database

ALL_ROLES = "crawl,transfer,record"
READY_WITHIN_S = 60
END_WITHIN_S = 60
LOOK_EVERY_S = 0.05
LINES_TOLD_MAX = 60
# What was lost is noticed within a test, and a process that has no time for a second is not taken for dead.
LEASE_S = 2
WINDOW = 4  # batches: small enough that a job has more
# At this pace a job has work left when the next trouble comes, however fast the machine is.
FILES_AT_ONCE = 8  # a process
LATENCY_S = 0.1  # of each answer of a source that takes its time

log = logging.getLogger(__name__)


class Worker:
    """An `imageferry work` under way; see `Crew`."""

    def __init__(self, process: asyncio.subprocess.Process, *, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Its process id, which is its group's too."""
        return self._process.pid

    @property
    def said(self) -> str:
        """Its log."""
        return self._log.read_text()

    async def says(self, words: str, *, times: int = 1) -> None:
        """Wait until its log holds some words so often."""
        async with asyncio.timeout(READY_WITHIN_S):
            while self.said.count(words) < times:
                assert self._process.returncode is None, self.said
                await asyncio.sleep(LOOK_EVERY_S)

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.send_signal(SIGTERM)

    async def stop(self) -> int:
        """Ask it to end, and wait until it has; its exit code."""
        self.terminate()
        async with asyncio.timeout(END_WITHIN_S):
            return await self._process.wait()

    async def kill(self) -> None:
        """End it and all its children at once."""
        self._signal(SIGKILL)
        await self._process.wait()

    def freeze(self) -> None:
        """Stop the clocks of it and of all its children."""
        self._signal(SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(SIGCONT)

    def children(self) -> list[int]:
        """The process ids of those that it forked."""
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@dataclass(kw_only=True)
class Crew:
    """Starts workers for a flow over a broker."""

    flow: Flow
    broker: Broker
    environment: dict[str, str] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)

    async def start(self, roles: str = ALL_ROLES, *, processes: int = 1, **environment: str) -> Worker:
        """A worker that is ready, in a process group of its own."""
        log = self.flow.home.parent / f"worker-{len(self.workers)}.log"
        with log.open("wb") as sink:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "imageferry", "work", "--role", roles, "--processes", str(processes)),
                env=self._environment(roles) | environment,
                cwd=self.flow.home.parent,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        worker = Worker(process, log=log)
        self.workers.append(worker)
        await worker.says("worker.ready")
        return worker

    @asynccontextmanager
    async def command(self, *words: str) -> AsyncIterator[Command]:
        """`imageferry ...` over the crew's broker; killed at the end of the context if it still runs."""
        environment = shared_environment_of(self.flow) | self.environment
        async with command(self.flow, *words, environment=environment) as begun:
            yield begun

    def tell(self) -> None:
        """Log what a failed test is judged by: the job as it was last seen, and the ends of the workers' logs."""
        log.warning("The job: %s", self.flow.seen[-1:])
        for number, worker in enumerate(self.workers):
            log.warning("Worker %d:\n%s", number, "\n".join(worker.said.splitlines()[-LINES_TOLD_MAX:]))

    def _environment(self, roles: str) -> dict[str, str]:
        environment = shared_environment_of(self.flow) | {"IMAGEFERRY_LOG_LEVEL": "info"} | self.environment
        if roles == "transfer":
            # An uploader knows no catalog, and has no other home than its own.
            del environment["DATABASE_URL"]
            environment["IMAGEFERRY_HOME"] = str(self.flow.home.parent / "elsewhere")
        return environment


async def progress(flow: Flow, importing: asyncio.Task[Ending], *, files: int) -> None:
    """Wait until an import that is under way was seen to be done with so many files."""
    while not flow.seen or flow.seen[-1].processed < files:
        if importing.done():
            raise AssertionError(f"It ended before: {importing.result()}")
        await asyncio.sleep(LOOK_EVERY_S)


def shared_environment_of(flow: Flow) -> dict[str, str]:
    """The flow's settings as a process that shares its broker and catalog needs them."""
    settings = flow.settings
    assert settings.celery_broker_url is not None
    bucket = {name.upper(): value for name, value in flow.given.items() if name.startswith("aws_")}
    return (
        environment_of(flow)
        | {
            "IMAGEFERRY_LEASE": str(LEASE_S),
            "IMAGEFERRY_WINDOW": str(WINDOW),
            "IMAGEFERRY_CONCURRENCY": str(FILES_AT_ONCE),
        }
        | bucket
        | {
            "DATABASE_URL": settings.catalog_url,
            "CELERY_BROKER_URL": settings.celery_broker_url.reveal(),
            "IMAGEFERRY_QUEUE_PREFIX": settings.queue_prefix,
            "STORE_URL": settings.store_location,
        }
    )


@asynccontextmanager
async def crew_over(kind: str, flow: Flow, *, folder: Path, broker_url: str | None = None) -> AsyncIterator[Crew]:
    """A crew over one kind of broker, of nobody yet, with PostgreSQL for its catalog; all of it goes at the end.

    From then on, the flow runs over this broker too.
    """
    with database("postgresql", folder) as database_url, broker(kind, server_url=broker_url) as queues:
        flow.given |= {
            "celery_broker_url": queues.url,
            "queue_prefix": queues.prefix,
            "database_url": database_url,
            "lease_s": LEASE_S,
            "window": WINDOW,
        }
        terms = replace(flow.limits.terms, lease_ms=LEASE_S * 1000, batches_in_flight_max=WINDOW)
        flow.limits = replace(flow.limits, terms=terms)
        crew = Crew(flow=flow, broker=queues)
        try:
            yield crew
        finally:
            for worker in crew.workers:
                await worker.kill()
            crew.tell()
