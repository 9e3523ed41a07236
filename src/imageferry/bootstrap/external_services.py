"""The world outside that a process talks to, as its settings name it: the sources and the store."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from imageferry.secret import revealed
from imageferry.sources.base import Source
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.quota import SharedSource
from imageferry.sources.registry import open_sources
from imageferry.sources.retry import Patience, RetryingSource
from imageferry.sources.throttle import ThrottledSource
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.options import AwsAccess
from imageferry.stores.store import Store
from imageferry.telemetry.instrument import Watch

if TYPE_CHECKING:
    from imageferry.bootstrap.limits import Limits
    from imageferry.settings import Settings

# Calls to a source beside the files in flight: pages and look-ups.
LISTING_CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a source permits, and who counts it; None: not known, nobody."""

    list_calls_s_max: float | None
    byte_calls_s_max: float | None
    counter_url: str | None = field(repr=False)  # a Redis, for all processes that share the quota
    prefix: str  # of its keys
    processes_min: int  # that share it at least

    def shared_by(self, movers: int) -> "Quota":
        """The part of each of so many processes that ask for bytes, unless it is counted for all of them."""
        if self.counter_url is not None or self.byte_calls_s_max is None:
            return self
        return replace(self, byte_calls_s_max=self.byte_calls_s_max / movers)


class Outside(Struct, frozen=True, kw_only=True):
    """How sources and store are talked to; with secrets."""

    google_drive: GoogleDriveConfig
    quota: Quota
    patience: Patience
    store: StoreConfig

    @classmethod
    def of(cls, settings: "Settings", limits: "Limits") -> Self:
        """As the settings say."""
        return cls(
            google_drive=_google_drive_config(settings, limits),
            quota=Quota(
                list_calls_s_max=settings.list_calls_s_max,
                byte_calls_s_max=settings.download_calls_s_max,
                counter_url=settings.quota_location,
                prefix=settings.queue_prefix,
                processes_min=1 if settings.celery_broker_url is None else settings.worker_processes,
            ),
            patience=limits.patience,
            store=_store_config(settings, limits),
        )

    @asynccontextmanager
    async def sources(self, *, watches: Sequence[Watch]) -> AsyncIterator[dict[str, Source]]:
        """Every source by its name, paced, seen and patient; let go of at the end."""
        bare = open_sources(google_drive_config=self.google_drive)
        sources = {name: self._wrapped(source, watches=watches) for name, source in bare.items()}
        try:
            yield sources
        finally:
            for source in sources.values():
                await source.close()

    @asynccontextmanager
    async def opened_store(self) -> AsyncIterator[Store]:
        """The store; nothing is asked of it yet. Raises FatalError or BlockedError when it cannot be had."""
        store = open_store(self.store)
        try:
            yield store
        finally:
            await store.close()

    def _wrapped(self, source: Source, *, watches: Sequence[Watch]) -> Source:
        throttled = ThrottledSource(
            self._shared(source),
            list_calls_s_max=self.quota.list_calls_s_max,
            byte_calls_s_max=self.quota.byte_calls_s_max,
        )
        seen: Source = throttled
        for watch in watches:
            seen = watch.around_source(seen, paced=throttled)
        return RetryingSource(seen, patience=self.patience)

    def _shared(self, source: Source) -> Source:
        """A source whose quotas, where there are any, are shared by all processes that one Redis counts for."""
        quota = self.quota
        url, kinds = quota.counter_url, {"list": quota.list_calls_s_max, "bytes": quota.byte_calls_s_max}
        if url is None or not any(kinds.values()):
            return source
        from imageferry.sources.redis_quota import Share  # noqa: PLC0415 - few need it

        listing, byte_calls = (
            None
            if calls_s is None
            else Share(url, kind, prefix=quota.prefix, calls_s=calls_s, processes_min=quota.processes_min)
            for kind, calls_s in kinds.items()
        )
        return SharedSource(source, list_calls=listing, byte_calls=byte_calls)


def _google_drive_config(settings: "Settings", limits: "Limits") -> GoogleDriveConfig:
    return GoogleDriveConfig(
        endpoint=settings.google_drive_endpoint.rstrip("/"),
        web_endpoint=settings.google_drive_web_endpoint.rstrip("/"),
        api_key=revealed(settings.google_api_key),
        service_account_file=settings.google_application_credentials,
        connections=settings.concurrency + LISTING_CONNECTIONS,
        deadlines=limits.deadlines,
        cool_down_s=limits.cool_down_s,
    )


def _store_config(settings: "Settings", limits: "Limits") -> StoreConfig:
    return StoreConfig(
        url=settings.store_location,
        aws=AwsAccess(
            access_key_id=settings.aws_access_key_id,
            secret_access_key=revealed(settings.aws_secret_access_key),
            session_token=revealed(settings.aws_session_token),
            region=settings.aws_region,
            endpoint_url=settings.aws_endpoint_url,
        ),
        azure_connection_string=revealed(settings.azure_storage_connection_string),
        google_service_account_file=settings.google_service_account or settings.google_application_credentials,
        google_emulator_host=settings.storage_emulator_host,
        timeout_s=limits.store_timeout_s,
        retry_timeout_s=limits.store_retry_timeout_s,
    )
