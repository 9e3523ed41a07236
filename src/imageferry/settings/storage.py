"""Settings of the storage."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, field

from imageferry.settings.source import SourceSettings
from imageferry.settings.url_types import HttpUrl
from imageferry.settings.value_types import Key, Name
from imageferry.stores.s3_options import AddressingStyle, CannedAcl, ChecksumAlgorithm, Encryption


class StorageSettings(SourceSettings):
    """Where images are stored, with which credentials, and how."""

    store_url: Annotated[
        str | None,
        Meta(
            title="Storage",
            description=(
                "s3://bucket/prefix, az://container/prefix, gs://bucket/prefix, or a local folder (default: `store` in "
                "IMAGEFERRY_HOME)"
            ),
        ),
    ] = field(default=None, name="STORE_URL")
    storage_class: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None,
        Meta(
            extra={"expected": "a storage class such as STANDARD_IA, Cool or NEARLINE"},
            description=(
                "Storage class (of Azure: access tier) of new objects, for example STANDARD_IA, Cool or NEARLINE"
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_STORAGE_CLASS")
    aws_access_key_id: Key | None = field(default=None, name="AWS_ACCESS_KEY_ID")
    aws_secret_access_key: Key | None = field(default=None, name="AWS_SECRET_ACCESS_KEY")
    aws_session_token: Key | None = field(default=None, name="AWS_SESSION_TOKEN")
    aws_profile: Annotated[
        str | None,
        Meta(
            description=(
                "Without keys: the profile of ~/.aws/config and ~/.aws/credentials (default: the default profile, then "
                "the role of the container or machine)"
            )
        ),
    ] = field(default=None, name="AWS_PROFILE")
    aws_region: Annotated[
        Name | None,
        Meta(
            description="Region of the bucket (default: of the profile, then us-east-1)",
            extra={"also": ("AWS_DEFAULT_REGION",)},
        ),
    ] = field(default=None, name="AWS_REGION")
    aws_endpoint_url: Annotated[
        HttpUrl | None,
        Meta(
            description="Endpoint of a service compatible with S3, such as MinIO, R2 or Ceph",
            extra={"also": ("AWS_ENDPOINT_URL",)},
        ),
    ] = field(default=None, name="AWS_ENDPOINT_URL_S3")
    aws_s3_addressing_style: Annotated[
        AddressingStyle,
        Meta(
            description=(
                "path: https://endpoint/bucket/key; virtual: https://bucket.endpoint/key, which some compatible "
                "services require"
            )
        ),
    ] = field(default="path", name="AWS_S3_ADDRESSING_STYLE")
    aws_server_side_encryption: Annotated[
        Encryption | None,
        Meta(description="For buckets that require it with each object: AES256, aws:kms or aws:kms:dsse"),
    ] = field(default=None, name="AWS_SERVER_SIDE_ENCRYPTION")
    aws_sse_kms_key_id: Annotated[
        Name | None, Meta(description="With aws:kms: ID or ARN of the key (default: the account's key for S3)")
    ] = field(default=None, name="AWS_SSE_KMS_KEY_ID")
    aws_sse_bucket_key_enabled: Annotated[
        bool | None, Meta(description="With aws:kms: true or false, to use an S3 Bucket Key or not")
    ] = field(default=None, name="AWS_SSE_BUCKET_KEY_ENABLED")
    aws_checksum_algorithm: Annotated[
        ChecksumAlgorithm | None,
        Meta(
            description=(
                "SHA256 or CRC64NVME: send this checksum with each object and part; required by Object Lock for files "
                "over 8 MiB"
            )
        ),
    ] = field(default=None, name="AWS_CHECKSUM_ALGORITHM")
    aws_default_acl: Annotated[
        CannedAcl | None,
        Meta(description="For buckets that require one with each object, for example bucket-owner-full-control"),
    ] = field(default=None, name="AWS_DEFAULT_ACL")
    azure_storage_connection_string: Annotated[
        Key | None, Meta(description="For az:// URLs: the connection string that Azure's portal shows")
    ] = field(default=None, name="AZURE_STORAGE_CONNECTION_STRING")
    azure_storage_account_name: Annotated[
        Name | None,
        Meta(
            description="Instead of a connection string: the account, with a key, a signature or an identity",
            extra={"also": ("AZURE_STORAGE_ACCOUNT",)},
        ),
    ] = field(default=None, name="AZURE_STORAGE_ACCOUNT_NAME")
    azure_storage_account_key: Annotated[
        Key | None, Meta(extra={"also": ("AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCESS_KEY")})
    ] = field(default=None, name="AZURE_STORAGE_ACCOUNT_KEY")
    azure_storage_sas_token: Annotated[Key | None, Meta(description="Shared access signature: sv=...&sig=...")] = field(
        default=None, name="AZURE_STORAGE_SAS_TOKEN"
    )
    azure_storage_endpoint: Annotated[
        HttpUrl | None,
        Meta(description="Blob endpoint, if not in Azure's public cloud: https://account.blob.core.chinacloudapi.cn"),
    ] = field(default=None, name="AZURE_STORAGE_ENDPOINT")
    azure_tenant_id: Annotated[
        Name | None,
        Meta(
            description=(
                "Service principal (with AZURE_CLIENT_SECRET) or workload identity (with AZURE_FEDERATED_TOKEN_FILE). "
                "Without these, the managed identity of the machine is used, or the one of AZURE_CLIENT_ID"
            )
        ),
    ] = field(default=None, name="AZURE_TENANT_ID")
    azure_client_id: Name | None = field(default=None, name="AZURE_CLIENT_ID")
    azure_client_secret: Key | None = field(default=None, name="AZURE_CLIENT_SECRET")
    azure_federated_token_file: Path | None = field(default=None, name="AZURE_FEDERATED_TOKEN_FILE")
    azure_authority_host: Annotated[
        HttpUrl | None, Meta(description="Where identities get tokens (default: by the cloud of the endpoint)")
    ] = field(default=None, name="AZURE_AUTHORITY_HOST")
    google_service_account: Annotated[
        Path | None,
        Meta(
            description=(
                "For gs:// URLs: JSON key file of a service account (default: GOOGLE_APPLICATION_CREDENTIALS, then the "
                "credentials of the machine)"
            ),
        ),
    ] = field(default=None, name="GOOGLE_SERVICE_ACCOUNT")
    storage_emulator_host: Annotated[
        HttpUrl | None,
        Meta(description="URL of an emulator of Google Cloud Storage, for example http://127.0.0.1:9023"),
    ] = field(default=None, name="STORAGE_EMULATOR_HOST")

    def __post_init__(self) -> None:
        _ = self.effective_store_url  # raises ValueError if its parts are incomplete
        uses_kms = self.aws_server_side_encryption in ("aws:kms", "aws:kms:dsse")
        if self.aws_sse_kms_key_id is not None and not uses_kms:
            raise ValueError("AWS_SSE_KMS_KEY_ID needs AWS_SERVER_SIDE_ENCRYPTION=aws:kms or aws:kms:dsse")
        if self.aws_sse_bucket_key_enabled is not None and self.aws_server_side_encryption != "aws:kms":
            raise ValueError("AWS_SSE_BUCKET_KEY_ENABLED needs AWS_SERVER_SIDE_ENCRYPTION=aws:kms")

    @property
    def effective_store_url(self) -> str:
        """The store's URL; by default a folder in `home`."""
        return self.store_url or self.legacy_store_url or str(self.home / "store")
