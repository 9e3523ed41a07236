"""nginx configurations: a TLS front end for the source, and an S3 sink as the target."""

from collections.abc import Iterable
from pathlib import Path

# A single process in the foreground, which ends at SIGTERM and leaves nothing behind.
_CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/{name}.pid;
error_log stderr crit;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 10000000;
    tcp_nodelay on;
    types_hash_max_size 4096;
    client_body_temp_path {folder}/{name}-bodies;
    proxy_temp_path {folder}/{name}-proxied;
    fastcgi_temp_path {folder}/{name}-unused;
    scgi_temp_path {folder}/{name}-unused;
    uwsgi_temp_path {folder}/{name}-unused;
{servers}
}}
"""

_SOURCE = """\
    upstream drive {{ server {drive_server}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port} ssl backlog=1024;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_session_cache shared:tls:1m;
        ssl_buffer_size 16k;
        open_file_cache max=10000 inactive=1h;
        output_buffers 2 128k;
        {media_rule}
        location /media/ {{ internal; alias {media}/; default_type image/jpeg; }}
        location / {{
            proxy_pass http://drive;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffers 64 64k;
        }}
    }}
"""

_MEDIA_RULE = "if ($arg_alt = media) { rewrite ^/drive/v3/files/([^/]+)$ /media/$1 last; }"

_SINK = """\
    map_hash_max_size {hash_max};
    map_hash_bucket_size 512;
    map $uri $etag {{ default '"00000000000000000000000000000000"'; include {digests}; }}
    server {{
        listen {address} backlog=1024;
        root {objects};
        client_max_body_size 0;
        client_body_buffer_size 128k;
        etag off;
        dav_methods PUT DELETE;
        create_full_put_path on;
        add_header ETag $etag;
        # The bulk delete of the object that is written before an import as a check: it stays, which is harmless.
        location = /{bucket} {{
            default_type application/xml;
            return 200 '<DeleteResult><Deleted><Key>gone</Key></Deleted></DeleteResult>';
        }}
    }}
"""


_HASH_MIN = 262_144


def source_configuration(
    folder: Path, *, drive_server: str, media: Path, certificate: Path, key: Path, port: int, serves_media: bool
) -> Path:
    """Write the front end of the test Drive server, which serves the files itself if `serves_media`."""
    rule = _MEDIA_RULE if serves_media else ""
    servers = _SOURCE.format(
        drive_server=drive_server, media=media, certificate=certificate, key=key, port=port, media_rule=rule
    )
    return _write(folder, "source", servers)


def sink_configuration(folder: Path, *, address: str, bucket: Path, digests: Iterable[tuple[str, str]]) -> Path:
    """Write an S3 endpoint that stores objects and returns the MD5s given here as their ETags."""
    digests_file = folder / "digests.map"
    count = 0
    with digests_file.open("w") as file:
        for path, md5 in digests:
            file.write(f'"{path}" \'"{md5}"\';\n')
            count += 1
    servers = _SINK.format(
        address=address,
        objects=bucket.parent,
        bucket=bucket.name,
        digests=digests_file,
        hash_max=max(_HASH_MIN, 2 * count),
    )
    return _write(folder, "sink", servers)


def _write(folder: Path, name: str, servers: str) -> Path:
    path = folder / f"{name}.conf"
    path.write_text(_CONFIGURATION.format(folder=folder, name=name, servers=servers))
    return path
