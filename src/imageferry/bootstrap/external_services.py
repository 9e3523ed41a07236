"""The external services that the settings name: the sources and the store."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from imageferry.secret import reveal_if_set
from imageferry.sources.base import Source
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.quota import QuotaSource
from imageferry.sources.registry import open_sources
from imageferry.sources.retry import RetryingSource, RetryPolicy
from imageferry.sources.throttle import ThrottledSource
from imageferry.stores.azure_options import AzureAccess
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.s3_options import AwsAccess, S3ObjectOptions
from imageferry.stores.store import Store
from imageferry.telemetry.instrument import Instrument

if TYPE_CHECKING:
    from imageferry.bootstrap.limits import Limits
    from imageferry.settings import Settings

# Connections for listing and metadata calls, in addition to one for each file in progress.
LISTING_CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceQuota:
    """How many calls a source permits; None: not known."""

    list_calls_per_s_max: float | None
    byte_calls_per_s_max: float | None
    # The Redis that counts for all processes that share the quota; None: each process counts its own calls.
    counter_url: str | None = field(repr=False)
    prefix: str  # of the keys in Redis
    processes_min: int  # that share the quota, at least

    def divided_by(self, processes: int) -> "SourceQuota":
        """Return the quota of each of `processes` that download: an equal part, unless Redis counts for all of them."""
        if self.counter_url is not None or self.byte_calls_per_s_max is None:
            return self
        return replace(self, byte_calls_per_s_max=self.byte_calls_per_s_max / processes)


class ExternalConfig(Struct, frozen=True, kw_only=True):
    """How to reach the sources and the store. Contains credentials."""

    google_drive: GoogleDriveConfig
    quota: SourceQuota
    retry_policy: RetryPolicy
    store: StoreConfig

    @classmethod
    def from_settings(cls, settings: "Settings", limits: "Limits") -> Self:
        """Return the configuration that the settings describe."""
        return cls(
            google_drive=_google_drive_config(settings, limits),
            quota=SourceQuota(
                list_calls_per_s_max=settings.list_calls_per_s_max,
                byte_calls_per_s_max=settings.downloads_per_s_max,
                counter_url=settings.effective_quota_url,
                prefix=settings.queue_prefix,
                processes_min=1 if settings.celery_broker_url is None else settings.worker_processes,
            ),
            retry_policy=limits.source_retry_policy,
            store=_store_config(settings, limits),
        )

    @asynccontextmanager
    async def open_sources(self, *, instruments: Sequence[Instrument]) -> AsyncIterator[dict[str, Source]]:
        """Open every source, by name, with throttling, instruments and retries; close them when the context ends."""
        plain = open_sources(google_drive_config=self.google_drive)
        sources = {name: self._wrap(source, instruments=instruments) for name, source in plain.items()}
        try:
            yield sources
        finally:
            for source in sources.values():
                await source.close()

    @asynccontextmanager
    async def open_store(self) -> AsyncIterator[Store]:
        """Open the store, without a request; close it when the context ends. Raises FatalError or BlockedError."""
        store = open_store(self.store)
        try:
            yield store
        finally:
            await store.close()

    def _wrap(self, source: Source, *, instruments: Sequence[Instrument]) -> Source:
        throttled = ThrottledSource(
            self._with_quota(source),
            list_calls_per_s_max=self.quota.list_calls_per_s_max,
            byte_calls_per_s_max=self.quota.byte_calls_per_s_max,
        )
        instrumented: Source = throttled
        for instrument in instruments:
            instrumented = instrument.wrap_source(instrumented, throttled=throttled)
        return RetryingSource(instrumented, policy=self.retry_policy)

    def _with_quota(self, source: Source) -> Source:
        """Return the source, limited by the quota that a Redis counts for all processes, if there is one."""
        quota = self.quota
        url, kinds = quota.counter_url, {"list": quota.list_calls_per_s_max, "bytes": quota.byte_calls_per_s_max}
        if url is None or not any(kinds.values()):
            return source
        from imageferry.sources.redis_quota import RedisQuota  # noqa: PLC0415 - long to import, and rarely needed

        listing, byte_calls = (
            None
            if calls_s is None
            else RedisQuota(url, kind, prefix=quota.prefix, calls_per_s=calls_s, processes_min=quota.processes_min)
            for kind, calls_s in kinds.items()
        )
        return QuotaSource(source, list_calls=listing, byte_calls=byte_calls)


def _google_drive_config(settings: "Settings", limits: "Limits") -> GoogleDriveConfig:
    return GoogleDriveConfig(
        endpoint=settings.google_drive_endpoint.rstrip("/"),
        web_endpoint=settings.google_drive_web_endpoint.rstrip("/"),
        api_key=reveal_if_set(settings.google_api_key),
        account_file=settings.google_application_credentials,
        connections=settings.concurrency + LISTING_CONNECTIONS,
        timeouts=limits.source_timeouts,
        cool_down_s=limits.block_cooldown_s,
    )


def _store_config(settings: "Settings", limits: "Limits") -> StoreConfig:
    return StoreConfig(
        url=settings.effective_store_url,
        aws=AwsAccess(
            access_key_id=reveal_if_set(settings.aws_access_key_id),
            secret_access_key=reveal_if_set(settings.aws_secret_access_key),
            session_token=reveal_if_set(settings.aws_session_token),
            profile=settings.aws_profile,
            region=settings.aws_region,
            endpoint_url=settings.aws_endpoint_url,
            addressing_style=settings.aws_s3_addressing_style,
        ),
        s3_objects=S3ObjectOptions(
            encryption=settings.aws_server_side_encryption,
            kms_key_id=settings.aws_sse_kms_key_id,
            bucket_key=settings.aws_sse_bucket_key_enabled,
            checksum_algorithm=settings.aws_checksum_algorithm,
            acl=settings.aws_default_acl,
        ),
        storage_class=settings.storage_class,
        azure=AzureAccess(
            connection_string=reveal_if_set(settings.azure_storage_connection_string),
            account_name=settings.azure_storage_account_name,
            account_key=reveal_if_set(settings.azure_storage_account_key),
            sas_token=reveal_if_set(settings.azure_storage_sas_token),
            endpoint_url=settings.azure_storage_endpoint,
            tenant_id=settings.azure_tenant_id,
            client_id=settings.azure_client_id,
            client_secret=reveal_if_set(settings.azure_client_secret),
            federated_token_file=settings.azure_federated_token_file,
            authority_url=settings.azure_authority_host,
        ),
        google_service_account_file=settings.google_service_account or settings.google_application_credentials,
        google_emulator_host=settings.storage_emulator_host,
        timeout_s=limits.store_timeout_s,
        retry_timeout_s=limits.store_retry_timeout_s,
    )
