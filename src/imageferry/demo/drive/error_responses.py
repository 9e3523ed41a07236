"""Drive's error responses, with its own messages and formats."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class ErrorKind(StrEnum):
    """The kinds of errors. Most values are the `reason` in the response."""

    # Rate limits and quotas.
    RATE_LIMIT = "rateLimitExceeded"
    USER_RATE_LIMIT = "userRateLimitExceeded"
    SHARING_RATE_LIMIT = "sharingRateLimitExceeded"
    TOO_MANY_REQUESTS = "tooManyRequests"  # rate limit with status 429
    SORRY = "sorry"  # the HTML page for automated queries
    DAILY_LIMIT = "dailyLimitExceeded"
    QUOTA = "quotaExceeded"

    # Errors of one file.
    DOWNLOAD_QUOTA = "downloadQuotaExceeded"
    ABUSIVE = "cannotDownloadAbusiveFile"
    CANNOT_DOWNLOAD = "cannotDownloadFile"
    NOT_DOWNLOADABLE = "fileNotDownloadable"
    NO_PERMISSION = "insufficientFilePermissions"
    NOT_FOUND = "notFound"

    # Authentication.
    BAD_KEY = "API_KEY_INVALID"
    BAD_KEY_OLD = "keyInvalid"  # in the older format
    NO_KEY = "forbidden"
    BAD_CREDENTIALS = "authError"
    API_DISABLED = "accessNotConfigured"

    # Invalid requests.
    BAD_VALUE = "invalid"
    BAD_PAGE = "invalidPageToken"  # expired, or of another listing
    BAD_FIELDS = "invalidParameter"
    FIELDS_REQUIRED = "required"
    UNKNOWN_PARAMETER = "unknownParameter"
    BAD_PAGE_SIZE = "badPageSize"
    BAD_NUMBER = "badNumber"

    # Server errors.
    INTERNAL = "internalError"
    BACKEND = "backendError"
    UNAVAILABLE = "unavailable"
    BAD_GATEWAY = "badGateway"


class DriveApiError(Exception):
    """Ends a request with an error response. `subject` is the ID, parameter or value in its message."""

    def __init__(self, kind: ErrorKind, *, subject: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(kind, subject)
        self.kind = kind
        self.subject = subject
        self.retry_after_s = retry_after_s


class ErrorTemplate(Struct, frozen=True, kw_only=True):
    """The response of a kind of error; `{}` stands for the subject."""

    status: int
    message: str = ""
    reason: str = ""  # in the older format; "": no `errors`
    domain: str = "global"
    location: str = ""  # of the error, in the older format
    location_type: str = "parameter"
    canonical: str = ""  # `status` in the newer format; "": omitted
    detail: str = ""  # ErrorInfo's reason in the newer format's `details`
    html: str = ""  # a web page instead of JSON


def error_body(kind: ErrorKind, *, subject: str = "") -> tuple[int, Mapping[str, object] | str]:
    """Return the status and the JSON or HTML body of an error response."""
    template = ERROR_TEMPLATES[kind]
    if template.html:
        return template.status, template.html
    message = template.message.replace("{}", subject)
    error: dict[str, object] = {"code": template.status, "message": message}
    if template.reason:
        details = {"message": message, "domain": template.domain, "reason": template.reason}
        if template.location:
            details |= {
                "location": template.location.replace("{}", subject),
                "locationType": template.location_type,
            }
        error["errors"] = [details]
    if template.canonical:
        error["status"] = template.canonical
    if template.detail:
        error["details"] = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": template.detail,
                "domain": "googleapis.com",
                "metadata": {"service": "drive.googleapis.com"},
            }
        ]
    return template.status, {"error": error}


def _page(title: str, text: str) -> str:
    return (
        f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>{title}</title></head>"
        f"<body><h1>{title}</h1><p>{text}</p></body></html>"
    )


SORRY_PAGE = _page(
    "Sorry...",
    "We're sorry... but your computer or network may be sending automated queries. "
    "To protect our users, we can't process your request right now.",
)

ERROR_TEMPLATES: Mapping[ErrorKind, ErrorTemplate] = {
    ErrorKind.RATE_LIMIT: ErrorTemplate(
        status=403, message="Rate Limit Exceeded", reason="rateLimitExceeded", domain="usageLimits"
    ),
    ErrorKind.USER_RATE_LIMIT: ErrorTemplate(
        status=403,
        message="User Rate Limit Exceeded. Rate of requests for user exceed configured project quota.",
        reason="userRateLimitExceeded",
        domain="usageLimits",
    ),
    ErrorKind.SHARING_RATE_LIMIT: ErrorTemplate(
        status=403, message="Rate limit exceeded.", reason="sharingRateLimitExceeded"
    ),
    ErrorKind.TOO_MANY_REQUESTS: ErrorTemplate(
        status=429, message="Too many requests.", reason="rateLimitExceeded", domain="usageLimits"
    ),
    ErrorKind.SORRY: ErrorTemplate(status=403, html=SORRY_PAGE),
    ErrorKind.DAILY_LIMIT: ErrorTemplate(
        status=403, message="Daily Limit Exceeded", reason="dailyLimitExceeded", domain="usageLimits"
    ),
    ErrorKind.QUOTA: ErrorTemplate(status=403, message="Quota exceeded.", reason="quotaExceeded", domain="usageLimits"),
    ErrorKind.DOWNLOAD_QUOTA: ErrorTemplate(
        status=403,
        message="The download quota for this file has been exceeded.",
        reason="downloadQuotaExceeded",
        domain="usageLimits",
    ),
    ErrorKind.ABUSIVE: ErrorTemplate(
        status=403,
        message="This file has been identified as malware or spam and cannot be downloaded.",
        reason="cannotDownloadAbusiveFile",
    ),
    ErrorKind.CANNOT_DOWNLOAD: ErrorTemplate(
        status=403, message="This file cannot be downloaded by the user.", reason="cannotDownloadFile"
    ),
    ErrorKind.NOT_DOWNLOADABLE: ErrorTemplate(
        status=403,
        message="Only files with binary content can be downloaded. Use Export with Docs Editors files.",
        reason="fileNotDownloadable",
        location="alt",
    ),
    ErrorKind.NO_PERMISSION: ErrorTemplate(
        status=403,
        message="The user does not have sufficient permissions for file {}.",
        reason="insufficientFilePermissions",
    ),
    ErrorKind.NOT_FOUND: ErrorTemplate(status=404, message="File not found: {}.", reason="notFound", location="fileId"),
    ErrorKind.BAD_KEY: ErrorTemplate(
        status=400,
        message="API key not valid. Please pass a valid API key.",
        reason="badRequest",
        canonical="INVALID_ARGUMENT",
        detail="API_KEY_INVALID",
    ),
    ErrorKind.BAD_KEY_OLD: ErrorTemplate(status=400, message="Bad Request", reason="keyInvalid", domain="usageLimits"),
    ErrorKind.NO_KEY: ErrorTemplate(
        status=403,
        message=(
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API."
        ),
        reason="forbidden",
        canonical="PERMISSION_DENIED",
    ),
    ErrorKind.BAD_CREDENTIALS: ErrorTemplate(
        status=401,
        message=(
            "Request had invalid authentication credentials. Expected OAuth 2 access token, "
            "login cookie or other valid authentication credential."
        ),
        reason="authError",
        location="Authorization",
        location_type="header",
        canonical="UNAUTHENTICATED",
    ),
    ErrorKind.API_DISABLED: ErrorTemplate(
        status=403,
        message=(
            "Google Drive API has not been used in project 1 before or it is disabled. "
            "Enable it, wait a few minutes and retry."
        ),
        reason="accessNotConfigured",
        domain="usageLimits",
        canonical="PERMISSION_DENIED",
        detail="SERVICE_DISABLED",
    ),
    ErrorKind.BAD_VALUE: ErrorTemplate(status=400, message="Invalid Value", reason="invalid", location="{}"),
    ErrorKind.BAD_PAGE: ErrorTemplate(status=400, message="Invalid Value", reason="invalid", location="pageToken"),
    ErrorKind.BAD_FIELDS: ErrorTemplate(
        status=400, message="Invalid field selection {}", reason="invalidParameter", location="fields"
    ),
    ErrorKind.FIELDS_REQUIRED: ErrorTemplate(
        status=400,
        message="The 'fields' parameter is required for this method.",
        reason="required",
        location="fields",
    ),
    ErrorKind.UNKNOWN_PARAMETER: ErrorTemplate(
        status=400,
        message=(
            'Invalid JSON payload received. Unknown name "{}": Cannot bind query parameter. '
            "Field '{}' could not be found in request message."
        ),
        canonical="INVALID_ARGUMENT",
    ),
    ErrorKind.BAD_PAGE_SIZE: ErrorTemplate(
        status=400,
        message="Invalid value '{}'. Values must be within the range: [1, 1000]",
        reason="invalidParameter",
        location="pageSize",
    ),
    ErrorKind.BAD_NUMBER: ErrorTemplate(
        status=400,
        message="Invalid value at 'page_size' (TYPE_INT32), \"{}\"",
        reason="invalid",
        canonical="INVALID_ARGUMENT",
    ),
    ErrorKind.INTERNAL: ErrorTemplate(status=500, message="Internal Error", reason="internalError"),
    ErrorKind.BACKEND: ErrorTemplate(status=503, message="Backend Error", reason="backendError"),
    ErrorKind.UNAVAILABLE: ErrorTemplate(
        status=503, message="The service is currently unavailable.", canonical="UNAVAILABLE"
    ),
    ErrorKind.BAD_GATEWAY: ErrorTemplate(
        status=502, html=_page("Error 502 (Server Error)!!1", "That is an error. Please try again in 30 seconds.")
    ),
}
