"""The fields of responses, from Drive's discovery document, and the default ones."""

from imageferry.demo.drive.masks import EVERYTHING, Mask, Schema, parse

FILE_SCHEMA: Schema = parse(
    "appProperties,capabilities,clientEncryptionDetails,contentHints,contentRestrictions,"
    "copyRequiresWriterPermission,createdTime,description,downloadRestrictions,driveId,explicitlyTrashed,"
    "exportLinks,fileExtension,folderColorRgb,fullFileExtension,hasAugmentedPermissions,hasThumbnail,"
    "headRevisionId,iconLink,id,"
    "imageMediaMetadata(aperture,cameraMake,cameraModel,colorSpace,exposureBias,exposureMode,exposureTime,"
    "flashUsed,focalLength,height,isoSpeed,lens,location(altitude,latitude,longitude),maxApertureValue,"
    "meteringMode,rotation,sensor,subjectDistance,time,whiteBalance,width),"
    "inheritedPermissionsDisabled,isAppAuthorized,kind,labelInfo,lastModifyingUser,linkShareMetadata,"
    "md5Checksum,mimeType,modifiedByMe,modifiedByMeTime,modifiedTime,name,originalFilename,ownedByMe,owners,"
    "parents,permissionIds,permissions,properties,quotaBytesUsed,resourceKey,sha1Checksum,sha256Checksum,"
    "shared,sharedWithMeTime,sharingUser,shortcutDetails(targetId,targetMimeType,targetResourceKey),size,"
    "spaces,starred,teamDriveId,thumbnailLink,thumbnailVersion,trashed,trashedTime,trashingUser,version,"
    "videoMediaMetadata,viewedByMe,viewedByMeTime,viewersCanCopyContent,webContentLink,webViewLink,"
    "writersCanShare",
    schema=EVERYTHING,
)
FILE_DEFAULT: Mask = parse("kind,id,name,mimeType", schema=FILE_SCHEMA)

LIST_SCHEMA: Schema = {
    **parse("kind,nextPageToken,incompleteSearch", schema=EVERYTHING),
    "files": FILE_SCHEMA,
}
LIST_DEFAULT: Mask = parse("kind,nextPageToken,incompleteSearch,files(kind,id,name,mimeType)", schema=LIST_SCHEMA)
