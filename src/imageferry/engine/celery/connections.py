"""An application of Celery that connects to the broker that it is given, and to no other."""

from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.loaders.app import AppLoader
from kombu.connection import Connection


class _Connection(Connection):
    def get_transport_cls(self) -> Any:  # noqa: ANN401 - kombu's
        if self.transport_cls in ("redis", "rediss"):
            from imageferry.engine.celery.redis_transport import RedisTransport  # noqa: PLC0415 - long to import

            return RedisTransport
        return super().get_transport_cls()  # type: ignore[no-untyped-call] # kombu has no types


class _Amqp(AMQP):  # type: ignore[misc] # Celery has no types
    Connection = _Connection


class _Loader(AppLoader):  # type: ignore[misc] # Celery has no types
    """Reads no configuration: Celery's own would import the module that CELERY_CONFIG_MODULE names."""

    def read_configuration(self, env: str = "") -> dict[str, Any]:
        del env
        return {}


class ConnectedApp(Celery):  # type: ignore[misc] # Celery has no types
    """Connects to its broker. Celery's own prefers CELERY_BROKER_URL and its like in the environment."""

    backend_cls = "disabled"
    amqp_cls = _Amqp

    def __init__(self, name: str, *, broker_url: str) -> None:
        super().__init__(name, broker=broker_url, loader=_Loader, set_as_current=False)
        self._broker_url = broker_url

    def connection_for_read(self, url: str | None = None, **options: Any) -> Connection:  # noqa: ANN401 - kombu's
        """See Celery."""
        connection: Connection = super().connection_for_read(url or self._broker_url, **options)
        return connection

    def connection_for_write(self, url: str | None = None, **options: Any) -> Connection:  # noqa: ANN401 - kombu's
        """See Celery."""
        connection: Connection = super().connection_for_write(url or self._broker_url, **options)
        return connection
