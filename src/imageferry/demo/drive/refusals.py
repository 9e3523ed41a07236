"""Every way in which Drive says no, in its own words and shapes."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Refusal(StrEnum):
    """What Drive refuses with; most values are the `reason` that it gives."""

    # It wants fewer calls.
    RATE_LIMIT = "rateLimitExceeded"
    USER_RATE_LIMIT = "userRateLimitExceeded"
    SHARING_RATE_LIMIT = "sharingRateLimitExceeded"
    TOO_MANY_REQUESTS = "tooManyRequests"  # the same as status 429
    SORRY = "sorry"  # the HTML page for automated queries
    DAILY_LIMIT = "dailyLimitExceeded"
    QUOTA = "quotaExceeded"

    # It does not give this file.
    DOWNLOAD_QUOTA = "downloadQuotaExceeded"
    ABUSIVE = "cannotDownloadAbusiveFile"
    CANNOT_DOWNLOAD = "cannotDownloadFile"
    NOT_DOWNLOADABLE = "fileNotDownloadable"
    NO_PERMISSION = "insufficientFilePermissions"
    NOT_FOUND = "notFound"

    # It does not accept the caller.
    BAD_KEY = "API_KEY_INVALID"
    BAD_KEY_OLD = "keyInvalid"  # the same in the older shape
    NO_KEY = "forbidden"
    BAD_CREDENTIALS = "authError"
    API_DISABLED = "accessNotConfigured"

    # It does not accept the request.
    BAD_VALUE = "invalid"
    BAD_PAGE = "invalidPageToken"  # its token has expired, or is not of this listing
    BAD_FIELDS = "invalidParameter"
    FIELDS_REQUIRED = "required"
    UNKNOWN_PARAMETER = "unknownParameter"
    BAD_PAGE_SIZE = "badPageSize"
    BAD_NUMBER = "badNumber"

    # It fails.
    INTERNAL = "internalError"
    BACKEND = "backendError"
    UNAVAILABLE = "unavailable"
    BAD_GATEWAY = "badGateway"


class RefusedError(Exception):
    """Ends a request with a refusal. `subject` is the id, parameter or value that the message names."""

    def __init__(self, refusal: Refusal, *, subject: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(refusal, subject)
        self.refusal = refusal
        self.subject = subject
        self.retry_after_s = retry_after_s


class Wording(Struct, frozen=True, kw_only=True):
    """How one refusal reads; `{}` is its subject."""

    status: int
    message: str = ""
    reason: str = ""  # of the older shape; "" leaves its `errors` out
    domain: str = "global"
    location: str = ""  # what the older shape blames; `{}` is the subject
    location_type: str = "parameter"
    canonical: str = ""  # `status` of the newer shape; "" leaves it out
    detail: str = ""  # ErrorInfo's reason in the newer shape's `details`
    html: str = ""  # a page instead of JSON


def answer(refusal: Refusal, *, subject: str = "") -> tuple[int, Mapping[str, object] | str]:
    """The status, and the JSON or the HTML page, that Drive refuses with."""
    wording = WORDINGS[refusal]
    if wording.html:
        return wording.status, wording.html
    message = wording.message.replace("{}", subject)
    error: dict[str, object] = {"code": wording.status, "message": message}
    if wording.reason:
        blame = {"message": message, "domain": wording.domain, "reason": wording.reason}
        if wording.location:
            blame |= {
                "location": wording.location.replace("{}", subject),
                "locationType": wording.location_type,
            }
        error["errors"] = [blame]
    if wording.canonical:
        error["status"] = wording.canonical
    if wording.detail:
        error["details"] = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": wording.detail,
                "domain": "googleapis.com",
                "metadata": {"service": "drive.googleapis.com"},
            }
        ]
    return wording.status, {"error": error}


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

WORDINGS: Mapping[Refusal, Wording] = {
    Refusal.RATE_LIMIT: Wording(
        status=403, message="Rate Limit Exceeded", reason="rateLimitExceeded", domain="usageLimits"
    ),
    Refusal.USER_RATE_LIMIT: Wording(
        status=403,
        message="User Rate Limit Exceeded. Rate of requests for user exceed configured project quota.",
        reason="userRateLimitExceeded",
        domain="usageLimits",
    ),
    Refusal.SHARING_RATE_LIMIT: Wording(status=403, message="Rate limit exceeded.", reason="sharingRateLimitExceeded"),
    Refusal.TOO_MANY_REQUESTS: Wording(
        status=429, message="Too many requests.", reason="rateLimitExceeded", domain="usageLimits"
    ),
    Refusal.SORRY: Wording(status=403, html=SORRY_PAGE),
    Refusal.DAILY_LIMIT: Wording(
        status=403, message="Daily Limit Exceeded", reason="dailyLimitExceeded", domain="usageLimits"
    ),
    Refusal.QUOTA: Wording(status=403, message="Quota exceeded.", reason="quotaExceeded", domain="usageLimits"),
    Refusal.DOWNLOAD_QUOTA: Wording(
        status=403,
        message="The download quota for this file has been exceeded.",
        reason="downloadQuotaExceeded",
        domain="usageLimits",
    ),
    Refusal.ABUSIVE: Wording(
        status=403,
        message="This file has been identified as malware or spam and cannot be downloaded.",
        reason="cannotDownloadAbusiveFile",
    ),
    Refusal.CANNOT_DOWNLOAD: Wording(
        status=403, message="This file cannot be downloaded by the user.", reason="cannotDownloadFile"
    ),
    Refusal.NOT_DOWNLOADABLE: Wording(
        status=403,
        message="Only files with binary content can be downloaded. Use Export with Docs Editors files.",
        reason="fileNotDownloadable",
        location="alt",
    ),
    Refusal.NO_PERMISSION: Wording(
        status=403,
        message="The user does not have sufficient permissions for file {}.",
        reason="insufficientFilePermissions",
    ),
    Refusal.NOT_FOUND: Wording(status=404, message="File not found: {}.", reason="notFound", location="fileId"),
    Refusal.BAD_KEY: Wording(
        status=400,
        message="API key not valid. Please pass a valid API key.",
        reason="badRequest",
        canonical="INVALID_ARGUMENT",
        detail="API_KEY_INVALID",
    ),
    Refusal.BAD_KEY_OLD: Wording(status=400, message="Bad Request", reason="keyInvalid", domain="usageLimits"),
    Refusal.NO_KEY: Wording(
        status=403,
        message=(
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API."
        ),
        reason="forbidden",
        canonical="PERMISSION_DENIED",
    ),
    Refusal.BAD_CREDENTIALS: Wording(
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
    Refusal.API_DISABLED: Wording(
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
    Refusal.BAD_VALUE: Wording(status=400, message="Invalid Value", reason="invalid", location="{}"),
    Refusal.BAD_PAGE: Wording(status=400, message="Invalid Value", reason="invalid", location="pageToken"),
    Refusal.BAD_FIELDS: Wording(
        status=400, message="Invalid field selection {}", reason="invalidParameter", location="fields"
    ),
    Refusal.FIELDS_REQUIRED: Wording(
        status=400,
        message="The 'fields' parameter is required for this method.",
        reason="required",
        location="fields",
    ),
    Refusal.UNKNOWN_PARAMETER: Wording(
        status=400,
        message=(
            'Invalid JSON payload received. Unknown name "{}": Cannot bind query parameter. '
            "Field '{}' could not be found in request message."
        ),
        canonical="INVALID_ARGUMENT",
    ),
    Refusal.BAD_PAGE_SIZE: Wording(
        status=400,
        message="Invalid value '{}'. Values must be within the range: [1, 1000]",
        reason="invalidParameter",
        location="pageSize",
    ),
    Refusal.BAD_NUMBER: Wording(
        status=400,
        message="Invalid value at 'page_size' (TYPE_INT32), \"{}\"",
        reason="invalid",
        canonical="INVALID_ARGUMENT",
    ),
    Refusal.INTERNAL: Wording(status=500, message="Internal Error", reason="internalError"),
    Refusal.BACKEND: Wording(status=503, message="Backend Error", reason="backendError"),
    Refusal.UNAVAILABLE: Wording(status=503, message="The service is currently unavailable.", canonical="UNAVAILABLE"),
    Refusal.BAD_GATEWAY: Wording(
        status=502, html=_page("Error 502 (Server Error)!!1", "That is an error. Please try again in 30 seconds.")
    ),
}
