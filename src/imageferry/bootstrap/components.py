"""The components of a process: engine, catalog, store, sources, built from its settings."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from imageferry.bootstrap.external_services import ExternalConfig
from imageferry.bootstrap.home import create_home
from imageferry.bootstrap.limits import Limits
from imageferry.bootstrap.transfer_process_config import TransferProcessConfig
from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.engine.base import Engine, Stage, Stages
from imageferry.engine.local import LocalEngine
from imageferry.engine.lock import EngineLock, NoLock
from imageferry.engine.transfer_process.pool import TransferProcessPool
from imageferry.engine.transfer_process.supervisor import TransferProcess
from imageferry.model import Crawl, Folder, FolderRef, Message, Record, Transfer
from imageferry.pipeline.crawl.page_writer import PageWriter
from imageferry.pipeline.crawl.prefetch import PagePrefetcher
from imageferry.pipeline.crawl.stage import crawl
from imageferry.pipeline.record.outcome_writer import OutcomeWriter
from imageferry.pipeline.record.stage import record
from imageferry.pipeline.stop_signal import StopSignals
from imageferry.pipeline.transfer.limits import TransferLimits
from imageferry.pipeline.transfer.stage import transfer
from imageferry.secret import reveal_if_set
from imageferry.settings import Settings
from imageferry.sources.base import Source
from imageferry.stores.store import Store
from imageferry.subprocess_protocol.child_process import ChildProcess
from imageferry.subprocess_protocol.heartbeat import Heartbeat
from imageferry.telemetry.instrument import Instrument, LogContext, instrument_stages
from imageferry.telemetry.metrics_relay import replay
from imageferry.thumbnails.source_thumbnails import SourceThumbnails
from imageferry.thumbnails.thumbnails import Thumbnails
from imageferry.thumbnails.worker_pool import RenderLimits, WorkerPool

if TYPE_CHECKING:
    from imageferry.telemetry.metrics import Metrics
    from imageferry.webhooks.deliverer import Deliverer

# A transaction idle for less time than this does not show that its process is frozen.
IDLE_TRANSACTION_S_MIN = 10


class Components(Struct, frozen=True, kw_only=True):
    """The components of one process; none of them runs yet."""

    settings: Settings
    limits: Limits
    catalog: Catalog
    store: Store
    sources: dict[str, Source]
    lock: EngineLock | NoLock  # its holder may run an engine
    instruments: Sequence[Instrument]
    stop_signals: StopSignals  # of the local engine
    transfer_processes: TransferProcessPool | None  # of the local engine; None: it transfers in this process
    prefetcher: PagePrefetcher  # of the local engine, which lists all pages itself

    def engine(self, *, job_ids: Collection[str] | None = None) -> Engine:
        """Return an engine for these jobs, or for all jobs of the catalog.

        It sends messages over the broker that the settings name; without one, it is the local engine.
        """
        if self.settings.celery_broker_url is not None:
            from imageferry.engine.celery.app import make_app  # noqa: PLC0415 - Celery takes long to import
            from imageferry.engine.celery.dispatcher import CeleryEngine  # noqa: PLC0415 - Celery takes long to import

            broker_url = self.settings.celery_broker_url.reveal()
            return CeleryEngine(
                make_app(broker_url, prefix=self.settings.queue_prefix),
                catalog=self.catalog,
                store_url=self.store.url,
                lease_policy=self.limits.lease_policy,
                job_ids=job_ids,
                sweep_interval_s=self.limits.sweep_interval_s,
            )
        stages = _make_stages(
            (Crawl, Record) if self.transfer_processes else (Crawl, Transfer, Record),
            limits=self.limits,
            catalog=self.catalog,
            store=self.store,
            sources=self.sources,
            transfer_limits=make_transfer_limits(self.settings, stop_signals=self.stop_signals),
            prefetcher=self.prefetcher,
        )
        transfer_stage: Stages = {Transfer: self.transfer_processes.transfer} if self.transfer_processes else {}
        return LocalEngine(
            instrument_stages({**stages, **transfer_stage}, self.instruments),
            catalog=self.catalog,
            store_url=self.store.url,
            stop_signals=self.stop_signals,
            lease_policy=self.limits.lease_policy,
            job_ids=job_ids,
            sweep_interval_s=self.limits.sweep_interval_s,
        )

    async def resolve_folder(self, folder_ref: FolderRef) -> Folder:
        """Return the folder, see Source.resolve; the local engine lists its first page at the same time."""
        source = self.sources[folder_ref.source]
        resolving = asyncio.create_task(source.resolve(folder_ref))
        if self.settings.celery_broker_url is None:
            self.prefetcher.prefetch_root(folder_ref, source=source, resolving=asyncio.shield(resolving))
        return await resolving

    def webhook_deliverer(self) -> "Deliverer":
        """Return what sends the webhooks of finished jobs."""
        from imageferry.webhooks.deliverer import Deliverer  # noqa: PLC0415 - rarely needed, and long to import
        from imageferry.webhooks.sender import Sender  # noqa: PLC0415 - rarely needed, and long to import

        sender = Sender(
            secret=reveal_if_set(self.settings.webhook_secret), private_hosts=self.settings.webhook_private_hosts
        )
        return Deliverer(self.catalog, sender=sender)


@asynccontextmanager
async def open_components(
    settings: Settings,
    *,
    limits: Limits | None = None,
    metrics: "Metrics | None" = None,
    start_now: bool = False,
    preforked: Sequence[ChildProcess] = (),
) -> AsyncIterator[Components]:
    """Build the components that the settings name; close them when the context ends.

    `metrics` instruments them. `start_now`: an engine is about to run, so start what is slow to start. `preforked` are
    transfer processes that run already. Raises FatalError or BlockedError, with one sentence, when a component can't
    be opened.
    """
    limits = limits or Limits.from_settings(settings)
    external, stop_signals = ExternalConfig.from_settings(settings, limits), StopSignals()
    async with AsyncExitStack() as exit_stack:
        instruments = exit_stack.enter_context(_open_instruments(settings, metrics))
        is_local = settings.celery_broker_url is None
        transfer_processes = None
        # Only this process sees a store in its memory.
        if is_local and not external.store.is_in_process:
            config = TransferProcessConfig.from_settings(settings, limits, external, has_metrics=metrics is not None)
            make_process = partial(
                TransferProcess,
                "imageferry.bootstrap.transfer_process",
                config=config,
                stop_signals=stop_signals,
                silence_s_max=settings.hang_s,
                on_metrics=None if metrics is None else partial(replay, meter=metrics),
            )
            started = itertools.chain(preforked, itertools.repeat(None))
            transfer_processes = TransferProcessPool(
                [make_process(preforked=next(started)) for _ in range(settings.transfer_processes)],
                isolation=make_process(),
            )
            exit_stack.push_async_callback(transfer_processes.close)
            if start_now:
                await transfer_processes.start()
        opening_catalog = open_catalog(settings, retry_timeout_s=limits.catalog_retry_timeout_s)
        catalog = await exit_stack.enter_async_context(opening_catalog)
        sources = await exit_stack.enter_async_context(external.open_sources(instruments=instruments))
        store = await exit_stack.enter_async_context(external.open_store())
        prefetcher = PagePrefetcher()
        exit_stack.push_async_callback(prefetcher.close)
        yield Components(
            settings=settings,
            limits=limits,
            catalog=catalog,
            store=store,
            sources=sources,
            lock=EngineLock(settings.home, catalog_url=settings.catalog_url) if is_local else NoLock(),
            instruments=instruments,
            stop_signals=stop_signals,
            transfer_processes=transfer_processes,
            prefetcher=prefetcher,
        )


@asynccontextmanager
async def open_thumbnails(components: Components) -> AsyncIterator[tuple[Thumbnails, SourceThumbnails]]:
    """Open the thumbnails of images and of source files; their worker processes start when the first is rendered."""
    pool = WorkerPool(RenderLimits(processes=components.settings.thumbnail_processes))
    thumbnails = Thumbnails(store=components.store, catalog=components.catalog, pool=pool)
    source_thumbnails = SourceThumbnails(pool)
    try:
        yield thumbnails, source_thumbnails
    finally:
        await source_thumbnails.close()
        await thumbnails.close()


@asynccontextmanager
async def open_stages(
    settings: Settings,
    *,
    message_types: Collection[type[Message]],
    transfer_limits: TransferLimits,
    metrics: Instrument | None = None,
) -> AsyncIterator[Stages]:
    """Open the stages for these types of messages, and only what they need: a transfer opens no catalog."""
    limits = Limits.from_settings(settings)
    async with AsyncExitStack() as exit_stack:
        instruments = exit_stack.enter_context(_open_instruments(settings, metrics))
        catalog = None
        if Crawl in message_types or Record in message_types:
            opening_catalog = open_catalog(settings, retry_timeout_s=limits.catalog_retry_timeout_s)
            catalog = await exit_stack.enter_async_context(opening_catalog)
        external = ExternalConfig.from_settings(settings, limits)
        sources = await exit_stack.enter_async_context(external.open_sources(instruments=instruments))
        store = await exit_stack.enter_async_context(external.open_store())
        stages = _make_stages(
            message_types,
            limits=limits,
            catalog=catalog,
            store=store,
            sources=sources,
            transfer_limits=transfer_limits,
        )
        yield instrument_stages(stages, instruments)


def make_transfer_limits(
    settings: Settings, *, stop_signals: StopSignals | None = None, heartbeat: Heartbeat | None = None
) -> TransferLimits:
    """Return the limits that all transfers of a process share."""
    return TransferLimits(
        files_at_once=settings.concurrency,
        bytes_at_once=settings.transfer_memory_bytes,
        stop_signals=stop_signals,
        heartbeat=heartbeat,
    )


def _make_stages(
    message_types: Collection[type[Message]],
    *,
    limits: Limits,
    catalog: Catalog | None,
    store: Store,
    sources: dict[str, Source],
    transfer_limits: TransferLimits,
    prefetcher: PagePrefetcher | None = None,
) -> Stages:
    policy = limits.lease_policy
    stages: dict[type[Message], Stage] = {}
    if Transfer in message_types:
        stages[Transfer] = partial(
            transfer,
            sources=sources,
            store=store,
            limits=transfer_limits,
            heartbeat_interval_s=policy.heartbeat_interval_s,
        )
    if catalog is not None:
        page_writer = PageWriter(catalog=catalog, lease_policy=policy, folds_case=store.folds_case)
        outcome_writer = OutcomeWriter(catalog=catalog, lease_policy=policy, stop_signals=transfer_limits.stop_signals)
        listing = partial(crawl, sources=sources, prefetcher=prefetcher)
        stages[Crawl] = partial(listing, catalog=catalog, page_writer=page_writer, policy=policy)
        stages[Record] = partial(record, outcome_writer=outcome_writer)
    return stages


@contextmanager
def _open_instruments(settings: Settings, metrics: Instrument | None) -> Iterator[list[Instrument]]:
    instruments: list[Instrument] = [LogContext()] if metrics is None else [LogContext(), metrics]
    if settings.otlp_endpoint is None:
        yield instruments
        return
    from imageferry.telemetry.traces import tracing  # noqa: PLC0415 - an extra, long to import

    with tracing(settings.otlp_endpoint) as traces:
        yield [*instruments, traces]


@asynccontextmanager
async def open_catalog(settings: Settings, *, retry_timeout_s: float = 60) -> AsyncIterator[Catalog]:
    """Open the catalog that the settings name and migrate its schema; close it when the context ends.

    Raises FatalError, with one sentence, when it can't be opened.
    """
    create_home(settings.home)
    catalog = Catalog(
        settings.catalog_url,
        pool_size=settings.database_connections,
        retry_timeout_s=retry_timeout_s,
        idle_transaction_timeout_s=max(settings.lease_s, IDLE_TRANSACTION_S_MIN),
    )
    try:
        await migrate(catalog)
        yield catalog
    finally:
        await catalog.close()
