"""AWS credentials that are not in the settings: profiles, SSO, processes, web identities, roles of machines."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound
from botocore.session import Session

from imageferry.errors import FatalError, Reason

if TYPE_CHECKING:
    from obstore.store import S3Credential

# So often obstore asks for them. botocore renews them 10 minutes before they expire, at the latest.
ASK_EVERY = timedelta(seconds=60)
DETAIL_LENGTH_MAX = 300
_SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "shared-credentials-file": "keys in ~/.aws/credentials",
        "config-file": "keys in ~/.aws/config",
        "sso": "SSO",
        "login": "aws login",
        "custom-process": "credential_process",
        "assume-role": "an assumed role",
        "assume-role-with-web-identity": "a web identity",
        "container-role": "the role of the container",
        "iam-role": "the role of the machine",
    }
)


class CredentialsError(Exception):
    """There are no credentials. The message is for people; obstore quotes it."""


class AwsCredentials:
    """The credentials that the AWS command line would use, for obstore and for signing; renewed while in use.

    Where profiles are files with keys, changes of the files are noticed. Nothing is fetched before the first call,
    which may do network I/O. Thread-safe. Raises FatalError when the profile does not exist.
    """

    # obstore calls again when so much is left of `expires_at`.
    refresh_threshold = timedelta(0)

    def __init__(self, *, profile: str | None = None) -> None:
        self._profile = profile
        self._lock = Lock()
        self._credentials: Any = None  # botocore's
        # The last ones: obstore's stores ask at different times, so one may still use those before.
        self._keys: deque[tuple[str, str]] = deque(maxlen=8)
        try:
            session = Session(profile=profile)
            config = session.get_scoped_config()
            self.region: str | None = session.get_config_variable("region")
        except ProfileNotFound as exc:
            message = f"AWS_PROFILE: there is no profile {profile!r} in ~/.aws/config or ~/.aws/credentials."
            raise FatalError(Reason.MISCONFIGURED, message) from exc
        except BotoCoreError as exc:
            raise FatalError(Reason.MISCONFIGURED, f"The AWS configuration can't be read: {exc}") from exc
        self.endpoint_url: str | None = config.get("endpoint_url")

    def __call__(self) -> "S3Credential":
        """Return the credentials, as obstore wants them. Raises CredentialsError."""
        with self._lock:
            try:
                frozen = self._renewed().get_frozen_credentials()
            except (BotoCoreError, ClientError) as exc:
                detail = " ".join(str(exc).split())[:DETAIL_LENGTH_MAX]
                raise CredentialsError(f"The AWS credentials can't be obtained. {self._advice(exc)}({detail})") from exc
            self._keys.append((frozen.access_key, frozen.secret_key))
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + ASK_EVERY,
        }

    def secret_key_of(self, access_key_id: str) -> str | None:
        """Return the secret of an access key that one of the last calls returned, or None."""
        with self._lock:
            return dict(self._keys).get(access_key_id)

    @property
    def source(self) -> str:
        """Where the credentials come from, for people; "AWS credentials" before the first call."""
        source = _SOURCES.get(getattr(self._credentials, "method", ""), "AWS credentials")
        return source if self._profile is None else f"{source}, profile {self._profile}"

    def _renewed(self) -> Any:  # noqa: ANN401 - botocore has no types
        if not isinstance(self._credentials, RefreshableCredentials):
            self._credentials = Session(profile=self._profile).get_credentials()
        if self._credentials is None:
            raise CredentialsError(
                "No AWS credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or "
                "run imageferry on a machine or in a container that has a role."
            )
        return self._credentials

    def _advice(self, error: Exception) -> str:
        if "SSO" in type(error).__name__ or "Token" in type(error).__name__:
            profile = "" if self._profile is None else f" --profile {self._profile}"
            return f"Run `aws sso login{profile}`, then try again. "
        return "Check the profile, or the role of this machine. "
