"""The wiring: from settings to the parts of a running process."""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self

from pydantic import SecretStr

from imageferry.catalog.schema import migrate
from imageferry.catalog.session import Catalog
from imageferry.catalog.terms import Terms
from imageferry.engine.base import Engine, Stage, Stages
from imageferry.engine.local import LocalEngine
from imageferry.engine.lock import EngineLock, NoLock
from imageferry.engine.sweeper import SWEEP_EVERY_S
from imageferry.errors import FatalError, Reason
from imageferry.model import Crawl, Message, Record, Transfer
from imageferry.pipeline.advance import Advance
from imageferry.pipeline.bounds import Bounds
from imageferry.pipeline.crawl import crawl
from imageferry.pipeline.finish import Finish
from imageferry.pipeline.record import record
from imageferry.pipeline.transfer import transfer
from imageferry.settings import Settings
from imageferry.sources.base import Source
from imageferry.sources.google_drive.config import Deadlines, GoogleDriveConfig
from imageferry.sources.registry import open_sources
from imageferry.sources.retry import Patience, RetryingSource
from imageferry.sources.shared import SharedSource
from imageferry.sources.throttle import ThrottledSource
from imageferry.stores.open import StoreConfig, open_store
from imageferry.stores.options import AwsAccess
from imageferry.stores.store import Store
from imageferry.telemetry.watch import LogWatch, Watch, watched
from imageferry.thumbnails import pool as thumbnail_pool
from imageferry.thumbnails.glimpses import Glimpses
from imageferry.thumbnails.thumbnails import Thumbnails

if TYPE_CHECKING:
    from imageferry.webhooks.deliverer import Deliverer

# Calls to a source beside the files in flight: pages and look-ups.
LISTING_CONNECTIONS = 16
# A process that has so little time is not frozen.
SILENT_S_MIN = 10
# A job's window, in batches: enough for one process, or for many that share a broker.
WINDOW_LOCAL, WINDOW_SHARED = 8, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take and how often they are tried."""

    terms: Terms = field(default_factory=Terms)  # of the ledger
    sweep_every_s: float = SWEEP_EVERY_S
    patience: Patience = field(default_factory=Patience)  # with one call to a source
    deadlines: Deadlines = field(default_factory=Deadlines)  # of one call to a source
    cool_down_s: float = 60  # the pause when a source takes us for a robot and names no time
    store_timeout_s: float = 120  # of one request, its body included
    store_retry_timeout_s: float = 60  # of one request with its repetitions
    catalog_patience_s: float = 60  # with a catalog that is busy or away

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The usual limits, and what can be set of them."""
        shared = settings.celery_broker_url is not None
        terms = Terms(
            batches_in_flight_max=settings.window or (WINDOW_SHARED if shared else WINDOW_LOCAL),
            lease_ms=round(settings.lease_s * 1000),
        )
        return cls(terms=terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ferry:
    """The parts of one process, each made and none of them running yet."""

    settings: Settings
    limits: Limits
    catalog: Catalog
    store: Store
    sources: dict[str, Source]
    lock: EngineLock | NoLock  # who holds it may run an engine
    watches: Sequence[Watch]

    def engine(self, *, job_ids: Collection[str] | None = None) -> Engine:
        """The engine, for all jobs of the catalog or for these alone: over a broker where one is set, else local."""
        if self.settings.celery_broker_url is not None:
            from imageferry.engine.celery.app import make_app  # noqa: PLC0415 - Celery takes long to import
            from imageferry.engine.celery.engine import CeleryEngine  # noqa: PLC0415

            broker_url = self.settings.celery_broker_url.get_secret_value()
            return CeleryEngine(
                make_app(broker_url, prefix=self.settings.queue_prefix),
                catalog=self.catalog,
                store_url=self.store.url,
                terms=self.limits.terms,
                job_ids=job_ids,
                sweep_every_s=self.limits.sweep_every_s,
            )
        bounds = make_bounds(self.settings)
        stages = _stages(
            (Crawl, Transfer, Record),
            limits=self.limits,
            catalog=self.catalog,
            store=self.store,
            sources=self.sources,
            bounds=bounds,
        )
        return LocalEngine(
            watched(stages, self.watches),
            catalog=self.catalog,
            store_url=self.store.url,
            bounds=bounds,
            terms=self.limits.terms,
            job_ids=job_ids,
            sweep_every_s=self.limits.sweep_every_s,
        )

    def deliverer(self) -> "Deliverer":
        """What tells those who asked for it that a job came to its end."""
        from imageferry.webhooks.deliverer import Deliverer  # noqa: PLC0415 - rarely needed, and long to import
        from imageferry.webhooks.sender import Sender  # noqa: PLC0415

        sender = Sender(
            secret=_revealed(self.settings.webhook_secret), private_hosts=self.settings.webhook_private_hosts
        )
        return Deliverer(self.catalog, sender=sender)


@asynccontextmanager
async def open_ferry(
    settings: Settings, *, limits: Limits | None = None, metrics: Watch | None = None
) -> AsyncIterator[Ferry]:
    """The parts that the settings name, seen by `metrics` where there are any; let go of at the end.

    Raises FatalError or BlockedError, in one sentence, when a part cannot be had.
    """
    limits = limits or Limits.of(settings)
    async with AsyncExitStack() as parts:
        watches = parts.enter_context(_watches(settings, metrics))
        catalog = await parts.enter_async_context(open_catalog(settings, patience_s=limits.catalog_patience_s))
        sources = await parts.enter_async_context(_open_sources(settings, limits, watches=watches))
        store = open_store(_store_config(settings, limits))
        if settings.celery_broker_url is None:
            lock: EngineLock | NoLock = EngineLock(settings.home, catalog_url=settings.catalog_url)
        else:
            lock = NoLock()
        yield Ferry(
            settings=settings,
            limits=limits,
            catalog=catalog,
            store=store,
            sources=sources,
            lock=lock,
            watches=watches,
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
        sources = await parts.enter_async_context(_open_sources(settings, limits, watches=watches))
        store = open_store(_store_config(settings, limits))
        stages = _stages(kinds, limits=limits, catalog=catalog, store=store, sources=sources, bounds=bounds)
        yield watched(stages, watches)


def make_bounds(settings: Settings) -> Bounds:
    """The bounds of a process."""
    return Bounds(files_at_once=settings.concurrency, bytes_at_once=settings.memory_bytes_max)


def _stages(
    kinds: Collection[type[Message]],
    *,
    limits: Limits,
    catalog: Catalog | None,
    store: Store,
    sources: dict[str, Source],
    bounds: Bounds,
) -> Stages:
    stages: dict[type[Message], Stage] = {}
    if Transfer in kinds:
        sign_of_life_s = limits.terms.sign_of_life_s
        stages[Transfer] = partial(transfer, sources=sources, store=store, bounds=bounds, sign_of_life_s=sign_of_life_s)
    if catalog is not None:
        folds_case, terms = store.folds_case, limits.terms
        advance = Advance(catalog=catalog, terms=terms, folds_case=folds_case)
        stages[Crawl] = partial(crawl, sources=sources, catalog=catalog, advance=advance, terms=terms)
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
async def _open_sources(
    settings: Settings, limits: Limits, *, watches: Sequence[Watch]
) -> AsyncIterator[dict[str, Source]]:
    bare = open_sources(google_drive_config=_google_drive_config(settings, limits))
    sources = {name: _wrapped(source, settings, limits, watches=watches) for name, source in bare.items()}
    try:
        yield sources
    finally:
        for source in sources.values():
            await source.close()


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


def _wrapped(source: Source, settings: Settings, limits: Limits, *, watches: Sequence[Watch]) -> Source:
    throttled = ThrottledSource(
        _shared(source, settings),
        list_calls_s_max=settings.list_calls_s_max,
        byte_calls_s_max=settings.download_calls_s_max,
    )
    seen: Source = throttled
    for watch in watches:
        seen = watch.around_source(seen, paced=throttled)
    return RetryingSource(seen, patience=limits.patience)


def _shared(source: Source, settings: Settings) -> Source:
    """A source whose quotas, where there are any, are shared by all processes that one Redis counts for."""
    quotas = {"list": settings.list_calls_s_max, "bytes": settings.download_calls_s_max}
    url = settings.quota_location
    if url is None or not any(quotas.values()):
        return source
    from imageferry.sources.share import Share  # noqa: PLC0415 - few need it

    prefix = settings.queue_prefix
    processes_min = 1 if settings.celery_broker_url is None else settings.worker_processes
    listing, byte_calls = (
        None if calls_s is None else Share(url, kind, prefix=prefix, calls_s=calls_s, processes_min=processes_min)
        for kind, calls_s in quotas.items()
    )
    return SharedSource(source, list_calls=listing, byte_calls=byte_calls)


def _google_drive_config(settings: Settings, limits: Limits) -> GoogleDriveConfig:
    return GoogleDriveConfig(
        endpoint=settings.google_drive_endpoint.rstrip("/"),
        web_endpoint=settings.google_drive_web_endpoint.rstrip("/"),
        api_key=_revealed(settings.google_api_key),
        service_account_file=settings.google_application_credentials,
        connections=settings.concurrency + LISTING_CONNECTIONS,
        deadlines=limits.deadlines,
        cool_down_s=limits.cool_down_s,
    )


def _store_config(settings: Settings, limits: Limits) -> StoreConfig:
    return StoreConfig(
        url=settings.store_location,
        aws=AwsAccess(
            access_key_id=settings.aws_access_key_id,
            secret_access_key=_revealed(settings.aws_secret_access_key),
            session_token=_revealed(settings.aws_session_token),
            region=settings.aws_region,
            endpoint_url=settings.aws_endpoint_url,
        ),
        azure_connection_string=_revealed(settings.azure_storage_connection_string),
        google_service_account_file=settings.google_service_account or settings.google_application_credentials,
        google_emulator_host=settings.storage_emulator_host,
        timeout_s=limits.store_timeout_s,
        retry_timeout_s=limits.store_retry_timeout_s,
    )


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
