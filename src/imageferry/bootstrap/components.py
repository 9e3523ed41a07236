"""The wiring: from settings to the parts of a running process."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from imageferry.bootstrap.external_services import Outside
from imageferry.bootstrap.limits import Limits
from imageferry.bootstrap.transfer_process_config import Outfit
from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.engine.base import Engine, Stage, Stages
from imageferry.engine.local import LocalEngine
from imageferry.engine.lock import EngineLock, NoLock
from imageferry.engine.transfer_process.pool import Movers
from imageferry.engine.transfer_process.process import Process
from imageferry.engine.transfer_process.supervisor import Mover
from imageferry.errors import FatalError, Reason
from imageferry.model import Crawl, Folder, FolderRef, Message, Record, Transfer
from imageferry.pipeline.crawl.page_writer import Advance
from imageferry.pipeline.crawl.prefetch import Lookahead
from imageferry.pipeline.crawl.stage import crawl
from imageferry.pipeline.record.outcome_writer import Finish
from imageferry.pipeline.record.stage import record
from imageferry.pipeline.stop_signal import Halts
from imageferry.pipeline.transfer.limits import Bounds
from imageferry.pipeline.transfer.stage import transfer
from imageferry.secret import revealed
from imageferry.settings import Settings
from imageferry.sources.base import Source
from imageferry.stores.store import Store
from imageferry.telemetry.instrument import LogWatch, Watch, watched
from imageferry.telemetry.metrics_relay import pass_on
from imageferry.thumbnails import worker_pool as thumbnail_pool
from imageferry.thumbnails.source_thumbnails import Glimpses
from imageferry.thumbnails.thumbnails import Thumbnails

if TYPE_CHECKING:
    from imageferry.telemetry.metrics import Metrics
    from imageferry.webhooks.deliverer import Deliverer

# A process that has so little time is not frozen.
SILENT_S_MIN = 10


class Ferry(Struct, frozen=True, kw_only=True):
    """The parts of one process, each made and none of them running yet."""

    settings: Settings
    limits: Limits
    catalog: Catalog
    store: Store
    sources: dict[str, Source]
    lock: EngineLock | NoLock  # who holds it may run an engine
    watches: Sequence[Watch]
    halts: Halts  # of the local engine
    movers: Movers | None  # of the local engine; None: this process moves the bytes itself
    lookahead: Lookahead  # of the local engine, which is given all pages

    def engine(self, *, job_ids: Collection[str] | None = None) -> Engine:
        """The engine, for all jobs of the catalog or for these alone: over a broker where one is set, else local."""
        if self.settings.celery_broker_url is not None:
            from imageferry.engine.celery.app import make_app  # noqa: PLC0415 - Celery takes long to import
            from imageferry.engine.celery.dispatcher import CeleryEngine  # noqa: PLC0415

            broker_url = self.settings.celery_broker_url.reveal()
            return CeleryEngine(
                make_app(broker_url, prefix=self.settings.queue_prefix),
                catalog=self.catalog,
                store_url=self.store.url,
                terms=self.limits.terms,
                job_ids=job_ids,
                sweep_every_s=self.limits.sweep_every_s,
            )
        stages = _stages(
            (Crawl, Record) if self.movers else (Crawl, Transfer, Record),
            limits=self.limits,
            catalog=self.catalog,
            store=self.store,
            sources=self.sources,
            bounds=make_bounds(self.settings, halts=self.halts),
            lookahead=self.lookahead,
        )
        moving: Stages = {Transfer: self.movers.transfer} if self.movers else {}
        return LocalEngine(
            watched({**stages, **moving}, self.watches),
            catalog=self.catalog,
            store_url=self.store.url,
            halts=self.halts,
            terms=self.limits.terms,
            job_ids=job_ids,
            sweep_every_s=self.limits.sweep_every_s,
        )

    async def look_up(self, locator: FolderRef) -> Folder:
        """The folder behind a locator, which is about to be imported; see Source."""
        source = self.sources[locator.source]
        looking = asyncio.create_task(source.resolve(locator))
        if self.settings.celery_broker_url is None:
            self.lookahead.begin_root(locator, source=source, root=asyncio.shield(looking))
        return await looking

    def deliverer(self) -> "Deliverer":
        """What tells those who asked for it that a job came to its end."""
        from imageferry.webhooks.deliverer import Deliverer  # noqa: PLC0415 - rarely needed, and long to import
        from imageferry.webhooks.sender import Sender  # noqa: PLC0415

        sender = Sender(
            secret=revealed(self.settings.webhook_secret), private_hosts=self.settings.webhook_private_hosts
        )
        return Deliverer(self.catalog, sender=sender)


@asynccontextmanager
async def open_ferry(
    settings: Settings,
    *,
    limits: Limits | None = None,
    metrics: "Metrics | None" = None,
    soon: bool = False,
    ahead: Sequence[Process] = (),
) -> AsyncIterator[Ferry]:
    """The parts that the settings name, seen by `metrics` where there are any; let go of at the end.

    `soon`: an engine is about to run, so what is slow to begin begins now; `ahead` are processes for movers that have
    begun. Raises FatalError or BlockedError, in one sentence, when a part cannot be had.
    """
    limits = limits or Limits.of(settings)
    outside, halts = Outside.of(settings, limits), Halts()
    async with AsyncExitStack() as parts:
        watches = parts.enter_context(_watches(settings, metrics))
        is_local = settings.celery_broker_url is None
        movers = None
        if is_local and not outside.store.within_process:
            outfit = Outfit.of(settings, limits, outside, metered=metrics is not None)
            mover = partial(
                Mover,
                "imageferry.bootstrap.transfer_process",
                outfit=outfit,
                halts=halts,
                seen=None if metrics is None else partial(pass_on, meter=metrics),
            )
            begun = itertools.chain(ahead, itertools.repeat(None))
            movers = Movers([mover(ahead=next(begun)) for _ in range(settings.movers)])
            parts.push_async_callback(movers.close)
            if soon:
                await movers.begin()
        catalog = await parts.enter_async_context(open_catalog(settings, patience_s=limits.catalog_patience_s))
        sources = await parts.enter_async_context(outside.sources(watches=watches))
        store = await parts.enter_async_context(outside.opened_store())
        lookahead = Lookahead()
        parts.push_async_callback(lookahead.close)
        yield Ferry(
            settings=settings,
            limits=limits,
            catalog=catalog,
            store=store,
            sources=sources,
            lock=EngineLock(settings.home, catalog_url=settings.catalog_url) if is_local else NoLock(),
            watches=watches,
            halts=halts,
            movers=movers,
            lookahead=lookahead,
        )


@asynccontextmanager
async def open_thumbnails(ferry: Ferry) -> AsyncIterator[tuple[Thumbnails, Glimpses]]:
    """Thumbnails of images, and glimpses of files; the processes that make them are begun when one is to be made."""
    bounds = thumbnail_pool.Bounds(processes=ferry.settings.thumbnail_processes)
    pool = thumbnail_pool.Pool(bounds)
    thumbnails, glimpses = Thumbnails(store=ferry.store, catalog=ferry.catalog, pool=pool), Glimpses(pool)
    try:
        yield thumbnails, glimpses
    finally:
        await glimpses.close()
        await thumbnails.close()


@asynccontextmanager
async def open_stages(
    settings: Settings, *, kinds: Collection[type[Message]], bounds: Bounds, metrics: Watch | None = None
) -> AsyncIterator[Stages]:
    """The stages for messages of these kinds, with no more than they lean on: a transfer opens no catalog."""
    limits = Limits.of(settings)
    async with AsyncExitStack() as parts:
        watches = parts.enter_context(_watches(settings, metrics))
        catalog = None
        if Crawl in kinds or Record in kinds:
            opened = open_catalog(settings, patience_s=limits.catalog_patience_s)
            catalog = await parts.enter_async_context(opened)
        outside = Outside.of(settings, limits)
        sources = await parts.enter_async_context(outside.sources(watches=watches))
        store = await parts.enter_async_context(outside.opened_store())
        stages = _stages(kinds, limits=limits, catalog=catalog, store=store, sources=sources, bounds=bounds)
        yield watched(stages, watches)


def make_bounds(settings: Settings, *, halts: Halts | None = None) -> Bounds:
    """The bounds of a process."""
    return Bounds(files_at_once=settings.concurrency, bytes_at_once=settings.memory_bytes_max, halts=halts)


def _stages(
    kinds: Collection[type[Message]],
    *,
    limits: Limits,
    catalog: Catalog | None,
    store: Store,
    sources: dict[str, Source],
    bounds: Bounds,
    lookahead: Lookahead | None = None,
) -> Stages:
    stages: dict[type[Message], Stage] = {}
    if Transfer in kinds:
        sign_of_life_s = limits.terms.sign_of_life_s
        stages[Transfer] = partial(transfer, sources=sources, store=store, bounds=bounds, sign_of_life_s=sign_of_life_s)
    if catalog is not None:
        folds_case, terms = store.folds_case, limits.terms
        advance = Advance(catalog=catalog, terms=terms, folds_case=folds_case)
        listing = partial(crawl, sources=sources, lookahead=lookahead)
        stages[Crawl] = partial(listing, catalog=catalog, advance=advance, terms=terms)
        stages[Record] = partial(record, finish=Finish(catalog=catalog, terms=terms, halts=bounds.halts))
    return stages


@contextmanager
def _watches(settings: Settings, metrics: Watch | None) -> Iterator[list[Watch]]:
    watches: list[Watch] = [LogWatch()] if metrics is None else [LogWatch(), metrics]
    if settings.otlp_endpoint is None:
        yield watches
        return
    from imageferry.telemetry.traces import tracing  # noqa: PLC0415 - few need it

    with tracing(settings.otlp_endpoint) as spans:
        yield [*watches, spans]


@asynccontextmanager
async def open_catalog(settings: Settings, *, patience_s: float = 60) -> AsyncIterator[Catalog]:
    """The catalog that the settings name, its schema up to date; let go of at the end.

    Raises FatalError, in one sentence, when it cannot be had.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        message = f"The folder {settings.home} cannot be made ({exc.strerror}): set IMAGEFERRY_HOME to another."
        raise FatalError(Reason.MISCONFIGURED, message) from exc
    catalog = Catalog(
        settings.catalog_url,
        connections=settings.database_connections,
        patience_s=patience_s,
        silent_s=max(settings.lease_s, SILENT_S_MIN),
    )
    try:
        await migrate(catalog)
        yield catalog
    finally:
        await catalog.close()
