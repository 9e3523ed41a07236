"""The query parameters of each method, from the discovery document of Drive v3."""

COMMON = frozenset(
    {
        "$.xgafv",
        "access_token",
        "alt",
        "callback",
        "fields",
        "key",
        "oauth_token",
        "prettyPrint",
        "quotaUser",
        "uploadType",
        "upload_protocol",
    }
)

FILES_GET = COMMON | {
    "acknowledgeAbuse",
    "includeLabels",
    "includePermissionsForView",
    "supportsAllDrives",
    "supportsTeamDrives",
}

FILES_LIST = COMMON | {
    "corpora",
    "corpus",
    "driveId",
    "includeItemsFromAllDrives",
    "includeLabels",
    "includePermissionsForView",
    "includeTeamDriveItems",
    "orderBy",
    "pageSize",
    "pageToken",
    "q",
    "spaces",
    "supportsAllDrives",
    "supportsTeamDrives",
    "teamDriveId",
}

FILES_EXPORT = COMMON | {"mimeType"}

ABOUT_GET = COMMON

DRIVES_LIST = COMMON | {"pageSize", "pageToken", "q", "useDomainAdminAccess"}

DRIVES_GET = COMMON | {"useDomainAdminAccess"}
