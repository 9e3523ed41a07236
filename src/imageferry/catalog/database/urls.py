"""DATABASE_URL as people have it: only the kind of database counts; the driver is ours, and options are translated."""

import re
from collections.abc import Callable
from urllib.parse import unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from imageferry.errors import FatalError, Reason
from imageferry.log import log

# URL schemes, without the driver that they may name, and the SQLAlchemy dialect and driver that each one gets.
_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mssql": "mssql+mssqlpython",
}
# A path may have a question mark; options have no slash.
_SQLITE = re.compile(r"sqlite(\+\w+)?:///(?P<path>.+?)(\?\w+=[^/&]*(&\w+=[^/&]*)*)?", re.DOTALL)
# What drivers call encryption, and its values that are no `sslmode` of PostgreSQL.
_TLS = ("ssl", "sslmode", "ssl-mode", "ssl_mode", "usessl", "tls")
_ENCRYPTED = ("true", "1", "yes", "on", "required")
_PLAIN = ("false", "0", "no", "off", "disable", "disabled")
_POSTGRESQL_OPTIONS = re.compile(
    r"host|hostaddr|port|service|passfile|options|application_name|connect_timeout|keepalives\w*|tcp_user_timeout"
    r"|ssl\w+|gss\w+|krbsrvname|channel_binding|require_?\w+|target_session_attrs|load_balance_hosts"
)
_MYSQL_OPTIONS = re.compile(
    r"unix_socket|connect_timeout|read_timeout|write_timeout|ssl_(ca|capath|cert|key|cipher|check_hostname)"
)
# Without effect on what is stored, and often there because of another driver.
_IGNORED = {"schema=public", "charset=utf8mb4", "client_encoding=utf8"}


def parse_url(text: str) -> URL:
    """Return the URL of a database, with our driver for it. Raise FatalError if it is none, or has no driver here."""
    if sqlite := _SQLITE.fullmatch(text):
        return URL.create("sqlite", database=unquote(sqlite["path"]))
    try:
        url = make_url(text)
        backend = url.drivername.partition("+")[0]
        if backend in _DRIVERS:
            url = url.set(drivername=_DRIVERS[backend])
        url.get_dialect().import_dbapi()
    except ImportError as exc:
        fix = "pip install 'imageferry[mssql]'" if url.get_backend_name() == "mssql" else "install it"
        raise FatalError(
            Reason.MISCONFIGURED, f"DATABASE_URL needs the driver {exc.name}, which is not installed: {fix}."
        ) from exc
    except (ArgumentError, NoSuchModuleError, ValueError) as exc:  # ValueError: the port is not a number
        message = (
            "DATABASE_URL is not a database URL such as sqlite:///path/catalog.db or postgresql://user:password@host/name;"
            " in a password @ is written as %40."
        )
        raise FatalError(Reason.MISCONFIGURED, message) from exc
    match url.get_backend_name():
        case "postgresql":
            return url.set(query=_options(url, known=_POSTGRESQL_OPTIONS, tls=_postgresql_tls))
        case "mysql":
            return url.set(query=_options(url, known=_MYSQL_OPTIONS, tls=_mysql_tls))
        case _:
            return url


def _options(
    url: URL, *, known: re.Pattern[str], tls: Callable[[str], dict[str, str]]
) -> dict[str, str | tuple[str, ...]]:
    """Return the options of a URL that our driver knows; those of other drivers are translated or dropped."""
    options: dict[str, str | tuple[str, ...]] = {}
    for name, value in url.query.items():
        if name.lower() in _TLS and isinstance(value, str):
            options |= tls(value.lower())
        elif known.fullmatch(name):
            options[name] = value
        elif f"{name}={value}".lower() not in _IGNORED:
            log.warning("catalog.option_dropped", option=name, detail="An option of another driver in DATABASE_URL.")
    return options


def _postgresql_tls(value: str) -> dict[str, str]:
    return {"sslmode": "require" if value in _ENCRYPTED else "disable" if value in _PLAIN else value}


def _mysql_tls(value: str) -> dict[str, str]:
    # SQLAlchemy passes it on as PyMySQL's `ssl`, which turns encryption on.
    verifies = value in ("verify_identity", "verify-full")
    return {} if value in _PLAIN else {"ssl_check_hostname": str(verifies).lower()}
