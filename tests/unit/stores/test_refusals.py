"""What the answers of stores mean, whether obstore quotes them or our own client received them."""

import pytest
from obstore.exceptions import GenericError

from imageferry.cli.exit_codes import ExitCode, exit_code_for_error
from imageferry.errors import (
    BlockedError,
    FixBy,
    ImageferryError,
    NotFoundError,
    NotPermittedError,
    PermanentError,
    Reason,
    TransientError,
)
from imageferry.stores.answers import Answer
from imageferry.stores.errors import translate_errors
from imageferry.stores.refusals import error_of


def s3(code: str, message: str = "A sentence of the store.", extra: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{extra}'
        "<RequestId>4442587FB7D0A2F9</RequestId><HostId>vlR7PnpV2Ce81l0</HostId></Error>"
    )


def azure(code: str, message: str = "A sentence of the store.", detail: str = "") -> str:
    return (
        f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}\n'
        f"RequestId:5e4c1f7f-401e\nTime:2026-07-06T10:00:00.0000000Z</Message>{detail}</Error>"
    )


SKEW = "The difference between the request time and the current time is too large."
TIMES = "<RequestTime>20260706T101500Z</RequestTime><ServerTime>2026-07-06T10:00:00Z</ServerTime>"
IAM = (
    "User: arn:aws:iam::123456789012:user/ferry is not authorized to perform: s3:PutObject on resource: "
    "&quot;arn:aws:s3:::pictures/KEY&quot; because no identity-based policy allows the s3:PutObject action"
)
MALFORMED = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'"
GOOGLE = "<Details>ferry@x.iam.gserviceaccount.com does not have storage.objects.create access to the object.</Details>"
OVERWRITE = GOOGLE.replace("create", "delete")
GOOGLE_JSON = (
    '{"error": {"code": 403, "message": "ferry does not have storage.objects.get access to the object.", '
    '"errors": [{"message": "m", "domain": "global", "reason": "forbidden"}]}}'
)
OLD_DATE = "<AuthenticationErrorDetail>Request date header too old: 'Mon, 06 Jul 2026'</AuthenticationErrorDetail>"
STRING_TO_SIGN = (
    "<AuthenticationErrorDetail>The MAC signature found in the HTTP request 'c2ln' is not the same as any computed "
    "signature. Server used following string to sign: 'PUT\n\n\n3'.</AuthenticationErrorDetail>"
)
SAS_ENDED = (
    "<AuthenticationErrorDetail>Signature not valid in the specified time frame: Start [Mon] - Expiry [Tue] - "
    "Current [Wed]</AuthenticationErrorDetail>"
)
CLOCK_OF_JWT = (
    '{"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and '
    'in a reasonable timeframe. Check your iat and exp values in the JWT claim."}'
)
PAGE = "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>"

DENIED, MISSING, FULL, UNAVAILABLE = (
    Reason.STORE_DENIED,
    Reason.STORE_MISSING,
    Reason.STORE_FULL,
    Reason.STORE_UNAVAILABLE,
)
# The HTTP status, the body, the reason, and a part of the sentence.
CASES: list[tuple[str, int, str, Reason, str]] = [
    ("s3", 301, s3("PermanentRedirect"), Reason.MISCONFIGURED, "Set AWS_REGION to the region of the bucket"),
    ("s3", 301, s3("PermanentRedirect", extra="<Region>eu-west-1</Region>"), Reason.MISCONFIGURED, "AWS_REGION=eu-w"),
    ("s3", 307, "", Reason.MISCONFIGURED, "in another region"),
    (
        "s3",
        400,
        s3("AuthorizationHeaderMalformed", MALFORMED, "<Region>eu-central-1</Region>"),
        Reason.MISCONFIGURED,
        "Set AWS_REGION=eu-central-1.",
    ),
    ("s3", 400, s3("AuthorizationHeaderMalformed", MALFORMED), Reason.MISCONFIGURED, "Set AWS_REGION=eu-central-1."),
    (
        "s3",
        301,
        s3("PermanentRedirect", extra="<Endpoint>pictures.s3.ap-northeast-1.amazonaws.com</Endpoint>"),
        Reason.MISCONFIGURED,
        "Set AWS_REGION=ap-northeast-1.",
    ),
    ("s3", 400, s3("InvalidArgument", "Credential access key has length 20, should be 32"), DENIED, "doesn't accept"),
    ("s3", 401, s3("Unauthorized"), DENIED, "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ("s3", 400, s3("IllegalLocationConstraintException"), Reason.MISCONFIGURED, "AWS_REGION"),
    ("s3", 403, s3("RequestTimeTooSkewed", SKEW, TIMES), Reason.CLOCK_WRONG, "clock is 15 minutes fast"),
    ("s3", 403, s3("AccessDenied", "Request has expired"), Reason.CLOCK_WRONG, "clock is wrong"),
    ("s3", 403, s3("InvalidAccessKeyId"), DENIED, "Check AWS_ACCESS_KEY_ID"),
    ("s3", 403, s3("SignatureDoesNotMatch"), DENIED, "Check AWS_SECRET_ACCESS_KEY"),
    ("s3", 400, s3("ExpiredToken"), DENIED, "AWS_SESSION_TOKEN"),
    ("s3", 403, s3("AllAccessDisabled"), DENIED, "is disabled"),
    ("s3", 404, s3("NoSuchBucket"), MISSING, "Create the bucket"),
    ("s3", 404, s3("NoSuchKey"), Reason.GONE, "no longer in the storage"),
    ("s3", 403, s3("AccessDenied", IAM), DENIED, "not permitted to write objects. Grant them s3:PutObject."),
    ("s3", 403, s3("AccessDenied", "Access Denied"), DENIED, "Grant them s3:PutObject."),
    ("s3", 403, "", DENIED, "Grant them s3:PutObject."),
    ("s3", 403, s3("AccessDenied", "not authorized to perform: kms:GenerateDataKey on"), DENIED, "encryption key"),
    ("s3", 400, s3("KMS.DisabledException"), DENIED, "encryption key"),
    ("s3", 400, s3("KMS.NotFoundException"), DENIED, "encryption key"),
    ("s3", 503, s3("KMS.ThrottlingException"), UNAVAILABLE, "can't be reached"),
    ("s3", 403, s3("InvalidObjectState"), Reason.ARCHIVED, "Restore it"),
    ("s3", 403, s3("QuotaExceeded"), FULL, "Free some space"),
    ("s3", 400, s3("XMinioAdminBucketQuotaExceeded"), FULL, "Free some space"),
    ("s3", 507, s3("XMinioStorageFull"), FULL, "Free some space"),
    ("s3", 403, s3("AccessDenied", "Cannot upload files, storage cap exceeded."), FULL, "Free some space"),
    ("s3", 503, s3("SlowDown"), UNAVAILABLE, "can't be reached or reports an error"),
    ("s3", 503, s3("ServiceUnavailable"), UNAVAILABLE, "can't be reached or reports an error"),
    ("s3", 500, s3("InternalError"), UNAVAILABLE, "can't be reached or reports an error"),
    ("s3", 400, s3("RequestTimeout"), UNAVAILABLE, "can't be reached or reports an error"),
    ("s3", 502, PAGE, UNAVAILABLE, "can't be reached or reports an error"),
    ("s3", 409, s3("OperationAborted"), UNAVAILABLE, "interrupted an upload"),
    ("s3", 404, s3("NoSuchUpload"), UNAVAILABLE, "interrupted an upload"),
    ("s3", 400, s3("EntityTooLarge"), Reason.REJECTED, "rejected this object"),
    ("s3", 501, s3("NotImplemented"), Reason.REJECTED, "rejected this object"),
    ("s3", 403, PAGE, Reason.MISCONFIGURED, "A web page answered"),
    ("az", 403, azure("AuthenticationFailed"), DENIED, "Check AZURE_STORAGE_CONNECTION_STRING"),
    ("az", 403, azure("AuthenticationFailed", detail=OLD_DATE), Reason.CLOCK_WRONG, "clock is wrong"),
    ("az", 403, azure("AuthenticationFailed", detail=SAS_ENDED), DENIED, "signature for az://pictures has expired"),
    ("az", 403, azure("AuthorizationPermissionMismatch"), DENIED, "Grant them Write (w)."),
    ("az", 403, azure("AuthorizationFailure"), DENIED, "Check the firewall and network rules"),
    ("az", 403, azure("AuthenticationFailed", detail=STRING_TO_SIGN), DENIED, "the same as any computed signature)"),
    ("az", 403, azure("AuthorizationFailure", "Server failed to authenticate the request."), DENIED, "Check AZURE_STO"),
    ("az", 404, azure("ContainerNotFound"), MISSING, "Create the bucket or container"),
    ("az", 404, azure("BlobNotFound"), Reason.GONE, "no longer in the storage"),
    ("az", 403, azure("AccountIsDisabled"), DENIED, "is disabled"),
    ("az", 409, azure("BlobArchived"), Reason.ARCHIVED, "Restore it"),
    ("az", 409, azure("BlobImmutableDueToPolicy"), DENIED, "doesn't permit it to be overwritten"),
    ("az", 403, azure("UnauthorizedBlobOverwrite"), DENIED, "doesn't permit it to be overwritten"),
    ("az", 503, azure("ServerBusy"), UNAVAILABLE, "can't be reached or reports an error"),
    ("gs", 403, s3("AccessDenied", "Access denied.", GOOGLE), DENIED, "Grant them storage.objects.create."),
    ("gs", 403, s3("AccessDenied", "Access denied.", OVERWRITE), DENIED, "doesn't permit it to be overwritten"),
    ("gs", 403, GOOGLE_JSON, DENIED, "Grant them storage.objects.get."),
    ("gs", 404, s3("NoSuchBucket"), MISSING, "Create the bucket"),
    ("gs", 400, CLOCK_OF_JWT, Reason.CLOCK_WRONG, "clock is wrong"),
    ("gs", 400, '{"error": "invalid_grant"}', DENIED, "Check GOOGLE_APPLICATION_CREDENTIALS"),
    ("gs", 403, s3("UserProjectMissing"), DENIED, "billing"),
]


@pytest.mark.parametrize(("scheme", "status", "body", "reason", "phrase"), CASES)
def test_an_answer_has_one_meaning_by_either_way(
    scheme: str, status: int, body: str, reason: Reason, phrase: str
) -> None:
    by_client = Answer.of_response(method="PUT", url="https://s3.example/pictures/k", status=status, body=body)
    by_obstore = translated(quoted(status, body), scheme=scheme)

    error = error_of(by_client, store=f"{scheme}://pictures")

    assert (error.reason, type(error), error.message) == (by_obstore.reason, type(by_obstore), by_obstore.message)
    assert error.reason is reason
    assert phrase in error.message
    assert by_client.text in error.message  # the store's own words
    if by_client.code:
        assert by_client.code in error.message
    assert isinstance(error, (BlockedError, PermanentError, TransientError))


@pytest.mark.parametrize(
    ("code", "exit_code", "fix_by"),
    [
        ("RequestTimeTooSkewed", ExitCode.FATAL, FixBy.OPERATOR),
        ("InvalidAccessKeyId", ExitCode.FATAL, FixBy.OPERATOR),
        ("PermanentRedirect", ExitCode.FATAL, FixBy.OPERATOR),
        ("NoSuchBucket", ExitCode.FATAL, FixBy.OPERATOR),
        ("QuotaExceeded", ExitCode.RETRYABLE, FixBy.OPERATOR),
        ("SlowDown", ExitCode.RETRYABLE, FixBy.LATER),
        ("InvalidObjectState", ExitCode.FATAL, FixBy.OPERATOR),
        ("NoSuchKey", ExitCode.NOT_FOUND, FixBy.OWNER),
    ],
)
def test_a_refusal_has_the_exit_code_of_who_can_fix_it(code: str, exit_code: ExitCode, fix_by: FixBy) -> None:
    error = translated(quoted(400, s3(code)), scheme="s3")

    assert (exit_code_for_error(error), error.reason.fix_by) == (exit_code, fix_by)


def test_the_name_of_a_file_is_not_mistaken_for_the_answer() -> None:
    key = "F/AccessDenied, no space left, in 1s - Server returned non-2xx status code: 403 Forbidden: NoSuchBucket.jpg"
    body = s3("SlowDown", f"Please reduce your request rate for {key}.")
    error = translated(GenericError(f"for path {key}: {quoted(503, body)}"), scheme="s3", key=key)

    assert error.reason is UNAVAILABLE


def test_a_region_that_obstore_does_not_tell_is_taken_from_the_other_answer() -> None:
    bare = GenericError(
        "Generic S3 error: Error performing PUT https://s3.example/k in 1ms - Received redirect without LOCATION, this "
        "normally indicates an incorrectly configured region"
    )
    refusal = Answer.of_response(method="PUT", url="https://s3.example/k", status=301, body="", region="eu-north-1")

    with pytest.raises(BlockedError, match=r"Set AWS_REGION=eu-north-1\."), translate_errors("s3://b", refusal=refusal):
        raise bare


def test_missing_credentials_are_called_so() -> None:
    error = translated(
        GenericError(
            "Error performing PUT http://169.254.169.254/latest/api/token in 1ms - Server returned non-2xx status "
            "code: 403 Forbidden: no"
        ),
        scheme="s3",
    )

    assert error.reason is DENIED
    assert "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY." in error.message


def test_the_cause_of_a_lost_connection_is_named_without_internals() -> None:
    error = translated(
        GenericError(
            "Generic S3 error: Error performing PUT http://10.0.0.1/b/k in 11.7ms, after 1 retries, max_retries: 1, "
            "retry_timeout: 2s  - HTTP error: error sending request\n\nDebug source:\nGeneric {\n"
            ' ConnectError(\n "tcp connect error",\n Os {\n code: 111,\n message: "Connection refused",\n }'
        ),
        scheme="s3",
    )

    assert error.message == "The storage at s3://pictures can't be reached or reports an error. (Connection refused)"


@pytest.mark.parametrize(
    ("scheme", "said", "name"),
    [
        (
            "s3",
            "DeleteObjects request failed for key F/a: b.jpg: Access Denied (code: AccessDenied)",
            "s3:DeleteObject",
        ),
        ("az", "Bulk delete request failed for key F/a.jpg: This request is not authorized. (code: 403)", "Delete (d)"),
    ],
)
def test_an_object_that_a_bulk_deletion_left_names_the_permission(scheme: str, said: str, name: str) -> None:
    error = translated(GenericError(f"Generic S3 error: {said}\n\nDebug source:\n"), scheme=scheme)

    assert isinstance(error, NotPermittedError)
    assert f"not permitted to delete objects. Grant them {name}." in error.message


def test_a_certificate_that_is_not_trusted_is_named() -> None:
    error = translated(
        GenericError(
            "Generic S3 error: Error performing PUT https://s3.example/k in 9ms, after 4 retries, max_retries: 4, "
            "retry_timeout: 60s  - HTTP error: error sending request\n\nDebug source:\n Custom {\n kind: InvalidData,\n"
            " error: InvalidCertificate(UnknownIssuer),\n }"
        ),
        scheme="s3",
    )

    assert error.message.endswith("can't be reached or reports an error. (InvalidCertificate(UnknownIssuer))")


def test_an_error_that_names_the_missing_object_is_not_found() -> None:
    assert isinstance(translated(quoted(404, s3("NoSuchKey")), scheme="s3"), NotFoundError)


def quoted(status: int, body: str) -> GenericError:
    """An error of obstore that quotes an answer."""
    return GenericError(
        "Generic S3 error: Error performing PUT https://s3.example/pictures/k in 12.8ms, after 1 retries, max_retries: "
        f"1, retry_timeout: 2s  - Server returned non-2xx status code: {status} Some Phrase: {body}\n\n"
        'Debug source:\nGeneric {\n    store: "S3",\n}'
    )


def translated(error: Exception, *, scheme: str, key: str = "") -> ImageferryError:
    """Return what an exception of obstore becomes."""
    with pytest.raises(ImageferryError) as raised, translate_errors(f"{scheme}://pictures", key=key):
        raise error
    return raised.value
