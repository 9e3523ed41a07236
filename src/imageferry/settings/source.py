"""Settings of the source, and the folder of the process."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, field
from platformdirs import user_data_path

from imageferry.settings.legacy import LegacySettings
from imageferry.settings.url_types import HttpUrl, RedisUrl
from imageferry.settings.value_types import Key


def _default_home() -> Path:
    """Return the platform's folder for the data of this user. Raise ValueError if the user has no home folder."""
    try:
        return user_data_path("imageferry")
    except RuntimeError as exc:
        raise ValueError("IMAGEFERRY_HOME: this user has no home folder; set it to a folder for the data") from exc


class SourceSettings(LegacySettings):
    """The process's own folder, and access to Google Drive."""

    home: Annotated[
        Path,
        Meta(description="Folder for the default catalog and store (default: the platform's user data folder)"),
    ] = field(default_factory=_default_home, name="IMAGEFERRY_HOME")
    umask: Annotated[
        str,
        Meta(
            pattern=r"^0?0[0-7]{2}$",
            extra={"expected": "an octal number such as 077 or 027"},
            description=(
                "Permissions that the files of a command, a local store's too, do not have: 077 keeps them to their"
                " owner, 027 lets the group read them"
            ),
        ),
    ] = field(default="077", name="IMAGEFERRY_UMASK")

    google_api_key: Annotated[
        Key | None,
        Meta(
            title="The source: Google Drive",
            description=(
                'API key, for folders shared as "Anyone with the link". Without credentials, Drive\'s public web pages'
                " are read, which is slow and gives no checksums"
            ),
        ),
    ] = field(default=None, name="GOOGLE_API_KEY")
    google_application_credentials: Annotated[
        Path | None,
        Meta(
            description=(
                "JSON credentials file of a Google account: the key of a service account, or what `gcloud auth "
                "application-default login` writes; for private folders and shared drives, takes precedence over "
                "the API key"
            ),
        ),
    ] = field(default=None, name="GOOGLE_APPLICATION_CREDENTIALS")
    google_drive_endpoint: HttpUrl = field(default=HttpUrl("https://www.googleapis.com"), name="GOOGLE_DRIVE_ENDPOINT")
    google_drive_web_endpoint: HttpUrl = field(
        default=HttpUrl("https://drive.google.com"), name="GOOGLE_DRIVE_WEB_ENDPOINT"
    )
    list_calls_per_s_max: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Hard limits, in calls per second (default: none; the rate adapts to the source's limit)"),
    ] = field(default=None, name="IMAGEFERRY_LIST_CALLS_PER_SECOND")
    downloads_per_s_max: Annotated[float, Meta(gt=0)] | None = field(
        default=None, name="IMAGEFERRY_DOWNLOADS_PER_SECOND"
    )
    quota_url: Annotated[
        RedisUrl | None,
        Meta(
            description=(
                "Redis through which all processes share the hard limits (default: CELERY_BROKER_URL, if that is a"
                " Redis)"
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_QUOTA_URL")
