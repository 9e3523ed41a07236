"""The contract of the HTTP client (`imageferry.http.base`)."""
