# One image for every role: `docker run imgimport`, `docker run imgimport --role=worker`. See the README, "Containers".

# --- build: compilers, headers, Node ----------------------------------------------------------------------------------
FROM debian:bookworm-slim AS build
WORKDIR /src
# First what changes seldom: the packages that building needs are listed in one place, `dev`.
COPY dev ./
RUN ./dev deps build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN ./dev build && strip build/imgimport

# --- run: the program and the libraries that it is linked with ----------------------------------------------------------
FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="imgimport" \
      org.opencontainers.image.description="Brings every image of a Google Drive folder into S3, Azure Blob or a local disk, exactly once, with proof."
# tdsodbc: SQL Server and Azure SQL, where Microsoft's driver is not put in. socat: one port for several workers
# (docker-compose.microservices.yml).
# Taken out again, since no image format that is decoded here needs it: ImageMagick's coders, fonts, X11's and MIME
# tables (14 MB).
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libboost-json1.81.0 libboost-url1.81.0 libcurl4 libfmt9 libhiredis0.14 libodbc2 libodbcinst2 libpq5 \
      libsoci-core4.0 libsoci-odbc4.0 libsoci-postgresql4.0 libspdlog1.10 libsqlite3-0 libssl3 libstdc++6 \
      libtcmalloc-minimal4 libvips42 odbcinst socat tdsodbc \
 && rm -rf /usr/lib/*/ImageMagick-6*/modules-Q16/coders /usr/share/fonts /usr/share/mime /usr/share/X11 \
      /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/*.log \
 && groupadd --gid 10001 imgimport \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin imgimport \
 && install -d -o 10001 -g 10001 -m 0750 /data /run/imgimport
COPY --from=build /src/build/imgimport /usr/local/bin/imgimport
# A configuration file or a .env may be mounted here: the program looks for them where it is started.
WORKDIR /etc/imgimport
COPY config/default.json config/
# Everything that is written lies here; the root file system may be read-only.
VOLUME /data
# A container is reached through the ports that it publishes. Listening beyond loopback needs API_TOKEN (and
# INTERNAL_TOKEN for a single role), or ALLOW_ANONYMOUS=true: without them the start says so in one sentence.
ENV DATA_DIR=/data LISTEN_ADDRESS=0.0.0.0 LOG_FORMAT=json TMPDIR=/data
USER 10001:10001
EXPOSE 3000 5000 5001 5002 5003 5004
HEALTHCHECK --interval=5s --timeout=6s --start-period=30s --retries=3 CMD ["imgimport", "--health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["imgimport"]
CMD ["--role=all"]
