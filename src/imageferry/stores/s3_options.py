"""Access to S3 and compatible servers, and what is asked for the objects that are written there."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from imageferry.errors import FatalError, Reason

AddressingStyle = Literal["path", "virtual"]
ChecksumAlgorithm = Literal["SHA256", "CRC64NVME"]
Encryption = Literal["AES256", "aws:kms", "aws:kms:dsse"]
CannedAcl = Literal[
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
]
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccess:
    """Access to S3 or a compatible server. Without keys, the credentials are those that the AWS command line finds."""

    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    profile: str | None = None  # without keys: the profile of ~/.aws; None: the default one
    region: str | None = None
    endpoint_url: str | None = None
    addressing_style: AddressingStyle = "path"

    @property
    def has_keys(self) -> bool:
        """True if the credentials are given here."""
        return self.access_key_id is not None or self.secret_access_key is not None

    def secret_key_of(self, access_key_id: str) -> str | None:
        """Return the secret that belongs to an access key."""
        return self.secret_access_key if access_key_id == self.access_key_id else None

    def options(self, bucket: str) -> dict[str, str]:
        """Return obstore's options. Raises FatalError for half a key, or a bucket before an IP address."""
        if (self.access_key_id is None) != (self.secret_access_key is None):
            names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
            set_one, other = names if self.secret_access_key is None else names[::-1]
            raise FatalError(
                Reason.MISCONFIGURED, f"{set_one} is set, but {other} is not. Set both of them, or neither."
            )
        endpoint, is_virtual = self._endpoint(bucket)
        given = {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
            "aws_session_token": self.session_token,
            "aws_region": self.region or DEFAULT_REGION,
            "aws_endpoint_url": endpoint,
            "aws_virtual_hosted_style_request": str(is_virtual).lower(),
            # The MD5 in the response verifies the bytes; signing the payload would hash them a second time.
            "aws_unsigned_payload": "true",
            # Every compatible server deletes single objects, not every one many by one call: see Store.delete_all.
            "aws_disable_bulk_delete": "true",
        }
        return {name: value for name, value in given.items() if value}

    def _endpoint(self, bucket: str) -> tuple[str | None, bool]:
        """Return the endpoint as obstore expects it, and whether the bucket is in its host name."""
        is_virtual = self.addressing_style == "virtual"
        if self.endpoint_url is None:
            return None, is_virtual
        url = urlsplit(self.endpoint_url)
        if url.netloc.startswith(f"{bucket}."):  # as DigitalOcean, Scaleway and others show a bucket's own address
            return self.endpoint_url.rstrip("/"), True
        if not is_virtual:
            return self.endpoint_url.rstrip("/"), False
        if _is_address(url.hostname or ""):
            message = (
                "AWS_S3_ADDRESSING_STYLE=virtual puts the bucket before the host name of AWS_ENDPOINT_URL, which is "
                "an IP address. Set the server's host name, or AWS_S3_ADDRESSING_STYLE=path."
            )
            raise FatalError(Reason.MISCONFIGURED, message)
        return f"{url.scheme}://{bucket}.{url.netloc}{url.path.rstrip('/')}", True


@dataclass(frozen=True, slots=True, kw_only=True)
class S3ObjectOptions:
    """What is asked for each object that is written. None: what the bucket does by itself."""

    encryption: Encryption | None = None
    kms_key_id: str | None = None
    bucket_key: bool | None = None
    checksum_algorithm: ChecksumAlgorithm | None = None
    acl: CannedAcl | None = None

    @property
    def etag_is_md5(self) -> bool:
        """False where objects are encrypted with keys of KMS: their ETags are no MD5s."""
        return self.encryption in (None, "AES256")

    def options(self) -> dict[str, str]:
        """Return obstore's options; the access control list is not among them: see `acl_header`."""
        given = {
            "aws_server_side_encryption": self.encryption,
            "aws_sse_kms_key_id": self.kms_key_id,
            "aws_sse_bucket_key_enabled": None if self.bucket_key is None else str(self.bucket_key).lower(),
            "aws_checksum_algorithm": self.checksum_algorithm,
        }
        return {name: value for name, value in given.items() if value}

    def acl_header(self) -> dict[str, str]:
        """Return the header of the access control list, if one is asked for."""
        return {"x-amz-acl": self.acl} if self.acl else {}

    def headers(self) -> dict[str, str]:
        """Return all that is asked for as headers of a PUT, except for the checksum."""
        given = {
            "x-amz-server-side-encryption": self.encryption,
            "x-amz-server-side-encryption-aws-kms-key-id": self.kms_key_id,
            "x-amz-server-side-encryption-bucket-key-enabled": None
            if self.bucket_key is None
            else str(self.bucket_key).lower(),
        }
        return self.acl_header() | {name: value for name, value in given.items() if value}


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
