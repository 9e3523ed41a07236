# One image, many commands: `serve` by default; `work --role transfer`, `migrate`, `import URL` and the others.

FROM node:24-trixie-slim AS node

FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# Building the wheel also builds the web page from web/, if Node is available.
COPY --from=node /usr/local/bin/node /usr/local/bin/
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
RUN python -m venv /opt/imageferry
COPY requirements.txt /src/
RUN /opt/imageferry/bin/pip install --require-hashes -r /src/requirements.txt
COPY . /src
RUN /opt/imageferry/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist /src \
    && /opt/imageferry/bin/pip install --no-deps /dist/*.whl \
    && install -d -m 700 -o 10001 -g 10001 /data

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="imageferry" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/imageferry /opt/imageferry
# A new volume that is mounted here takes over this owner.
COPY --from=build --chown=10001:10001 /data /data
ENV PATH=/opt/imageferry/bin:$PATH PYTHONDONTWRITEBYTECODE=1 \
    IMAGEFERRY_HOME=/data IMAGEFERRY_LOG_FORMAT=json IMAGEFERRY_LOG_LEVEL=info HOST=0.0.0.0
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["imageferry", "health"]
ENTRYPOINT ["imageferry"]
CMD ["serve"]
