"""Variables that are set and have no effect, although somebody seems to mean them for imageferry."""

import re
from collections.abc import Collection, Iterator

from msgspec.structs import fields

from imageferry.settings.environment import read_env_file, read_variables
from imageferry.settings.fields import secret_file_names, variable_names
from imageferry.settings.other_names import NOT_READ
from imageferry.settings.settings import Settings

_OURS = "IMAGEFERRY_"
# Kubernetes describes a service named `imageferry` to every container by such variables.
_OF_A_SERVICE = re.compile(r"_SERVICE_(HOST|PORT\w*)$|_PORT(_\d+_(TCP|UDP|SCTP)\w*)?$")
# Above this share of equal letters a name in `.env` counts as misspelt; names that are that short rarely are.
_SIMILAR = 0.9
_LETTERS_MIN = 7


def doubts(settings: Settings) -> list[str]:
    """Return a sentence for each variable that is set in vain."""
    names = read_variables().keys()
    known = {
        name: setting.name
        for setting in fields(Settings)
        for name in (*variable_names(setting), *secret_file_names(setting))
    }
    return [*_unread(names, known), *_cloud_without_bucket(settings)]


def _unread(names: Collection[str], known: dict[str, str]) -> Iterator[str]:
    given = {known[name] for name in names if name in known}
    in_file = read_env_file().keys()
    for name in sorted(names - known.keys()):
        if name in NOT_READ:
            ours = NOT_READ[name]
            if known[ours] not in given:
                yield f"{name} is not read. Set {ours} if imageferry is to use it."
        elif name.startswith(_OURS) and not _OF_A_SERVICE.search(name):
            yield f"{name} is not a setting.{_did_you_mean(name, known, cutoff=0.8)}"
        elif name in in_file and len(name) >= _LETTERS_MIN and (guess := _did_you_mean(name, known, cutoff=_SIMILAR)):
            yield f"{name} is not a setting.{guess}"


def _did_you_mean(name: str, known: Collection[str], *, cutoff: float) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - rarely needed

    return "".join(f" Did you mean {match}?" for match in get_close_matches(name, known, n=1, cutoff=cutoff))


def _cloud_without_bucket(settings: Settings) -> Iterator[str]:
    """Yield a sentence if there are keys of a cloud, but its images go to a folder."""
    if settings.store_url is not None or settings.legacy_store_url is not None or settings.server_url is not None:
        return
    clouds = {
        "AWS_ACCESS_KEY_ID": (settings.aws_access_key_id, "s3://bucket"),
        "AWS_ENDPOINT_URL": (settings.aws_endpoint_url, "s3://bucket"),
        "AZURE_STORAGE_CONNECTION_STRING": (settings.azure_storage_connection_string, "az://container"),
        "AZURE_STORAGE_ACCOUNT_NAME": (settings.azure_storage_account_name, "az://container"),
        "GOOGLE_SERVICE_ACCOUNT": (settings.google_service_account, "gs://bucket"),
    }
    for name, (value, url) in clouds.items():
        if value is not None:
            yield (
                f"{name} is set, but no bucket: images are stored in the folder {settings.effective_store_url}."
                f" Set STORE_URL={url} to store them there, or STORE_URL to that folder."
            )
            return
