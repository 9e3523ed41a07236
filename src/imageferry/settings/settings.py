"""All settings of a process."""

from typing import Annotated, Any, Literal, Self

from msgspec import Meta, field

from imageferry.settings.load import load
from imageferry.settings.services import ServiceSettings
from imageferry.settings.url_types import HttpUrl
from imageferry.settings.value_types import ApiToken, CommaSeparated, WebhookSecret

_MIB = 1024 * 1024


class Settings(ServiceSettings):
    """The settings of a process. Each field names its variable and describes it; the first of a group has its title."""

    batches_in_flight: Annotated[
        Annotated[int, Meta(ge=1, le=1024)] | None,
        Meta(
            description=(
                "Maximum batches in flight, shared by all jobs; a batch has up to 100 files (default: 8 in one "
                "process, 16 with a broker)"
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_BATCHES_IN_FLIGHT")
    lease_s: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description=(
                "Seconds without a heartbeat after which work is given to another worker; must be the same everywhere"
            ),
        ),
    ] = field(default=60, name="IMAGEFERRY_LEASE_SECONDS")
    hang_s: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description=(
                "Seconds without a sign of life after which a process that transfers files is killed and replaced; at"
                " most half of IMAGEFERRY_LEASE_SECONDS"
            ),
        ),
    ] = field(default=30, name="IMAGEFERRY_HANG_SECONDS")
    health_port: Annotated[
        int, Meta(ge=0, le=65535, description="Port on which a worker serves /health, /readyz and /metrics (0: none)")
    ] = field(default=0, name="IMAGEFERRY_HEALTH_PORT")

    host: Annotated[str, Meta(title="Gateway", description="Address and port to listen on")] = field(
        default="127.0.0.1", name="HOST"
    )
    port: Annotated[int, Meta(ge=0, le=65535)] = field(default=8000, name="PORT")
    api_token: Annotated[
        ApiToken | None,
        Meta(
            description=(
                "Access token that every client must send, at least 16 characters (generate one: openssl rand -hex "
                "32). Without a token, only this machine is served."
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_API_TOKEN")
    insecure: Annotated[
        bool, Meta(description="Serve other machines without a token; only behind a proxy that authenticates its users")
    ] = field(default=False, name="IMAGEFERRY_INSECURE")
    allowed_hosts: Annotated[
        CommaSeparated, Meta(description="Further host names of the gateway, separated by commas; * allows any")
    ] = field(default=CommaSeparated(), name="IMAGEFERRY_ALLOWED_HOSTS")
    cors_origins: Annotated[
        CommaSeparated, Meta(description="Origins that may call the API from a browser, separated by commas")
    ] = field(default=CommaSeparated(), name="CORS_ORIGINS")
    trusted_proxies: Annotated[
        CommaSeparated,
        Meta(
            description=(
                "Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto headers are trusted, "
                "separated by commas"
            ),
        ),
    ] = field(default=CommaSeparated(), name="IMAGEFERRY_TRUSTED_PROXIES")
    imports_per_minute: Annotated[
        int, Meta(ge=1, description="Imports that one client may start at once, and then per minute")
    ] = field(default=120, name="IMAGEFERRY_IMPORTS_PER_MINUTE")
    thumbnail_processes: Annotated[int, Meta(ge=1, le=64, description="Maximum processes that render thumbnails")] = (
        field(default=2, name="IMAGEFERRY_THUMBNAIL_PROCESSES")
    )
    root_path: Annotated[
        str,
        Meta(
            pattern=r"^(/[\w.~-]+)*$",
            extra={"expected": "a path such as /photos, without / at its end"},
            description="Path under which a proxy serves the gateway, for example /photos",
        ),
    ] = field(default="", name="IMAGEFERRY_ROOT_PATH")

    server_url: Annotated[
        HttpUrl | None,
        Meta(
            title="Commands",
            description=(
                "URL of a remote gateway. `imageferry jobs`, `retry`, `cancel`, `images` and the like then use it, "
                "with IMAGEFERRY_API_TOKEN"
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_SERVER")

    webhook_secret: Annotated[
        WebhookSecret | None,
        Meta(
            title="Webhooks",
            description="Signing secret (Standard Webhooks); generate one: echo whsec_$(openssl rand -base64 32)",
        ),
    ] = field(default=None, name="IMAGEFERRY_WEBHOOK_SECRET")
    webhook_private_hosts: Annotated[
        CommaSeparated,
        Meta(description="Hosts in private networks that may be notified, also over http://, separated by commas"),
    ] = field(default=CommaSeparated(), name="IMAGEFERRY_WEBHOOK_PRIVATE_HOSTS")

    concurrency: Annotated[
        int, Meta(ge=1, le=1024, title="Limits of one process", description="Files that are transferred at once")
    ] = field(default=32, name="IMAGEFERRY_CONCURRENCY")
    transfer_memory_bytes: Annotated[int, Meta(ge=_MIB, description="Maximum bytes of file content in memory")] = field(
        default=48 * _MIB, name="IMAGEFERRY_TRANSFER_MEMORY_BYTES"
    )
    transfer_processes: Annotated[
        int,
        Meta(ge=1, le=64, description="Processes that transfer files and share these limits; without a broker only"),
    ] = field(default=1, name="IMAGEFERRY_TRANSFER_PROCESSES")
    wait_s: Annotated[
        float,
        Meta(
            ge=0,
            description="Seconds that `import` waits for an unavailable source or storage before it gives up",
        ),
    ] = field(default=300, name="IMAGEFERRY_WAIT_SECONDS")
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="debug, info, warning or error")
    ] = field(default="warning", name="IMAGEFERRY_LOG_LEVEL")
    log_format: Annotated[Literal["text", "json"], Meta(description="text or json")] = field(
        default="text", name="IMAGEFERRY_LOG_FORMAT"
    )
    otlp_endpoint: Annotated[
        str | None,
        Meta(description="OpenTelemetry collector for traces, for example http://host:4318; needs imageferry[otel]"),
    ] = field(default=None, name="OTEL_EXPORTER_OTLP_ENDPOINT")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.transfer_processes = min(self.transfer_processes, self.concurrency)  # each transfers at least one file

    @classmethod
    def load(cls, **overrides: Any) -> Self:  # noqa: ANN401 - each value is validated like a variable
        """Read the environment and the `.env` file of the current folder; `overrides` that are not None win.

        Raise FatalError with a sentence that names every variable whose value is not valid, and TypeError for an
        override that is no setting.
        """
        return load(cls, overrides)
