"""The wiring: from settings to the parts of a running process."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from imageferry.catalog.ledger import Terms
from imageferry.catalog.schema import migrate
from imageferry.catalog.session import Catalog
from imageferry.engine.base import Stages
from imageferry.engine.local import LocalEngine
from imageferry.engine.lock import EngineLock
from imageferry.engine.sweeper import SWEEP_EVERY_S
from imageferry.errors import FatalError, Reason
from imageferry.model import Crawl, Record, Transfer
from imageferry.pipeline.bounds import Bounds
from imageferry.pipeline.crawl import crawl
from imageferry.pipeline.record import record
from imageferry.pipeline.transfer import transfer
from imageferry.settings import Settings
from imageferry.sources.base import Source
from imageferry.sources.google_drive.config import Deadlines, GoogleDriveConfig
from imageferry.sources.registry import open_sources
from imageferry.sources.retry import Patience, RetryingSource
from imageferry.sources.throttle import ThrottledSource
from imageferry.stores.open import StoreConfig, open_store
from imageferry.stores.store import Store

# Calls to a source beside the files in flight: pages and look-ups.
LISTING_CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take and how often they are tried; nobody sets them from outside."""

    terms: Terms = field(default_factory=Terms)  # of the ledger
    sweep_every_s: float = SWEEP_EVERY_S
    patience: Patience = field(default_factory=Patience)  # with one call to a source
    deadlines: Deadlines = field(default_factory=Deadlines)  # of one call to a source
    cool_down_s: float = 60  # the pause when a source takes us for a robot and names no time
    store_timeout_s: float = 120  # of one request, its body included
    store_retry_timeout_s: float = 60  # of one request with its repetitions
    catalog_patience_s: float = 60  # with a catalog that is busy or away


@dataclass(frozen=True, slots=True, kw_only=True)
class Ferry:
    """The parts of one process, each made and none of them running yet."""

    settings: Settings
    limits: Limits
    catalog: Catalog
    store: Store
    sources: dict[str, Source]
    lock: EngineLock  # who holds it may run an engine

    def engine(self, *, job_ids: Collection[str] | None = None) -> LocalEngine:
        """A local engine, for all jobs of the catalog or for these alone."""
        bounds = Bounds(files_at_once=self.settings.concurrency, bytes_at_once=self.settings.memory_bytes_max)
        terms = self.limits.terms
        stages: Stages = {
            Crawl: partial(
                crawl, sources=self.sources, catalog=self.catalog, terms=terms, folds_case=self.store.folds_case
            ),
            Transfer: partial(transfer, sources=self.sources, store=self.store, bounds=bounds),
            Record: partial(record, catalog=self.catalog, terms=terms),
        }
        return LocalEngine(
            stages,
            catalog=self.catalog,
            store_url=self.store.url,
            bounds=bounds,
            terms=terms,
            job_ids=job_ids,
            sweep_every_s=self.limits.sweep_every_s,
        )


@asynccontextmanager
async def open_ferry(settings: Settings, *, limits: Limits | None = None) -> AsyncIterator[Ferry]:
    """The parts that the settings name; let go of at the end.

    Raises FatalError or BlockedError, in one sentence, when a part cannot be had.
    """
    limits = limits or Limits()
    async with open_catalog(settings, patience_s=limits.catalog_patience_s) as catalog:
        store = open_store(_store_config(settings, limits))
        bare = open_sources(google_drive_config=_google_drive_config(settings, limits))
        sources = {name: _wrapped(source, settings, limits) for name, source in bare.items()}
        lock = EngineLock(settings.home, catalog_url=settings.catalog_url)
        try:
            yield Ferry(settings=settings, limits=limits, catalog=catalog, store=store, sources=sources, lock=lock)
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
    catalog = Catalog(settings.catalog_url, patience_s=patience_s)
    try:
        await migrate(catalog)
        yield catalog
    finally:
        await catalog.close()


def _wrapped(source: Source, settings: Settings, limits: Limits) -> Source:
    throttled = ThrottledSource(
        source,
        list_calls_s_max=settings.list_calls_s_max,
        byte_calls_s_max=settings.download_calls_s_max,
    )
    return RetryingSource(throttled, patience=limits.patience)


def _google_drive_config(settings: Settings, limits: Limits) -> GoogleDriveConfig:
    key = settings.google_api_key
    return GoogleDriveConfig(
        endpoint=settings.google_drive_endpoint.rstrip("/"),
        web_endpoint=settings.google_drive_web_endpoint.rstrip("/"),
        api_key=None if key is None else key.get_secret_value(),
        service_account_file=settings.google_application_credentials,
        connections=settings.concurrency + LISTING_CONNECTIONS,
        deadlines=limits.deadlines,
        cool_down_s=limits.cool_down_s,
    )


def _store_config(settings: Settings, limits: Limits) -> StoreConfig:
    given = {
        "aws_access_key_id": settings.aws_access_key_id,
        "aws_secret_access_key": settings.aws_secret_access_key and settings.aws_secret_access_key.get_secret_value(),
        "aws_session_token": settings.aws_session_token and settings.aws_session_token.get_secret_value(),
        "aws_region": settings.aws_region or "us-east-1",
        "aws_endpoint_url": settings.aws_endpoint_url,
        # The answer's digest proves the bytes: a signature over them would hash each a second time.
        "aws_unsigned_payload": "true",
    }
    is_s3 = settings.store_location.startswith(("s3://", "s3a://"))
    return StoreConfig(
        url=settings.store_location,
        options={name: value for name, value in given.items() if value} if is_s3 else {},
        allow_http=(settings.aws_endpoint_url or "").startswith("http://"),
        timeout_s=limits.store_timeout_s,
        retry_timeout_s=limits.store_retry_timeout_s,
    )
