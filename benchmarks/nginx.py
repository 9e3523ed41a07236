"""nginx as the source's front and as a sink: what it is told, and its processes."""

from collections.abc import Iterable
from pathlib import Path

# One process each, in the foreground: it ends when it is told to, and leaves nothing behind.
_FRAME = """\
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
{inside}
}}
"""

_SOURCE = """\
    upstream drive {{ server {standin}; keepalive 32; }}
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
        # A bulk delete, of which one object is tried before an import: it stays, and nobody minds.
        location = /{bucket} {{
            default_type application/xml;
            return 200 '<DeleteResult><Deleted><Key>gone</Key></Deleted></DeleteResult>';
        }}
    }}
"""


_HASH_MIN = 262_144


def source_configuration(
    folder: Path, *, standin: str, media: Path, certificate: Path, key: Path, port: int, serves_media: bool
) -> Path:
    """A front of the stand-in, with TLS, that serves the files' bytes itself, unless the stand-in is to count them."""
    rule = _MEDIA_RULE if serves_media else ""
    inside = _SOURCE.format(standin=standin, media=media, certificate=certificate, key=key, port=port, media_rule=rule)
    return _written(folder, "source", inside)


def sink_configuration(folder: Path, *, address: str, bucket: Path, digests: Iterable[tuple[str, str]]) -> Path:
    """An S3 endpoint that keeps what it is sent, and answers with the MD5 that it was told beforehand."""
    told = folder / "digests.map"
    known = 0
    with told.open("w") as file:
        for path, md5 in digests:
            file.write(f'"{path}" \'"{md5}"\';\n')
            known += 1
    inside = _SINK.format(
        address=address,
        objects=bucket.parent,
        bucket=bucket.name,
        digests=told,
        hash_max=max(_HASH_MIN, 2 * known),
    )
    return _written(folder, "sink", inside)


def _written(folder: Path, name: str, inside: str) -> Path:
    path = folder / f"{name}.conf"
    path.write_text(_FRAME.format(folder=folder, name=name, inside=inside))
    return path
