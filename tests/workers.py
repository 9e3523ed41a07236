"""Workers as real processes, which can be stopped, killed and frozen."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

from pydantic import SecretStr

from tests.brokers import Broker, broker
from tests.databases import database
from tests.flow import Flow

ALL_ROLES = "crawl,transfer,record"
READY_WITHIN_S = 30
END_WITHIN_S = 20
LOOK_EVERY_S = 0.05
# So that what was lost is noticed within a test; and windows small enough that a job has more than one.
SHORT = {"IMAGEFERRY_LEASE": "2", "IMAGEFERRY_WINDOW": "4"}


class Worker:
    """An `imageferry work` under way; see `Crew`."""

    def __init__(self, process: asyncio.subprocess.Process, *, log: Path) -> None:
        self._process = process
        self._log = log

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

    def _environment(self, roles: str) -> dict[str, str]:
        environment = environment_of(self.flow) | {"IMAGEFERRY_LOG_LEVEL": "info"} | self.environment
        if roles == "transfer":
            # An uploader knows no catalog, and has no other home than its own.
            del environment["DATABASE_URL"]
            environment["IMAGEFERRY_HOME"] = str(self.flow.home.parent / "elsewhere")
        return environment


def environment_of(flow: Flow) -> dict[str, str]:
    """The flow's settings as another process of it needs them."""
    settings = flow.settings
    assert settings.celery_broker_url is not None
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    bucket = {name.upper(): value for name, value in flow.given.items() if name.startswith("aws_")}
    return (
        inherited
        | SHORT
        | bucket
        | {
            "IMAGEFERRY_HOME": str(flow.home),
            "DATABASE_URL": settings.catalog_url,
            "CELERY_BROKER_URL": settings.celery_broker_url.get_secret_value(),
            "IMAGEFERRY_QUEUE_PREFIX": settings.queue_prefix,
            "STORE_URL": settings.store_location,
            "GOOGLE_API_KEY": flow.drive.api_key,
            "GOOGLE_DRIVE_ENDPOINT": flow.drive.url,
            "GOOGLE_DRIVE_WEB_ENDPOINT": flow.drive.url,
        }
    )


@asynccontextmanager
async def crew_over(kind: str, flow: Flow, *, folder: Path) -> AsyncIterator[Crew]:
    """A crew over one kind of broker, of nobody yet, with PostgreSQL for its catalog; all of it goes at the end.

    From then on, the flow runs over this broker too.
    """
    with database("postgresql", folder) as database_url, broker(kind) as queues:
        flow.given |= {
            "celery_broker_url": SecretStr(queues.url),
            "queue_prefix": queues.prefix,
            "database_url": SecretStr(database_url),
        }
        crew = Crew(flow=flow, broker=queues)
        try:
            yield crew
        finally:
            for worker in crew.workers:
                await worker.kill()
