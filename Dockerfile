# One image for every role; its command says which (docker/role). `make image` builds it: it needs
# devnet and Kubo staged by docker/build-image, and BASE_IMAGE, which is there, is pulled, or is made
# from Debian packages. Only what Docker 20.10 and its classic builder know is used.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS environments
ARG BLENDER_VERSION=4.5.15
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3-venv \
    && rm -rf /var/lib/apt/lists/*
# Of this stage only: the host's certificate authority, empty where it has none of its own.
COPY build/image/ca.crt /tmp/ca.crt
RUN if [ -s /tmp/ca.crt ]; then printf '[global]\ncert = /tmp/ca.crt\n' >/etc/pip.conf; fi

# Blender pins a numpy that Tileproof does not want.
RUN python3 -m venv /opt/blender \
    && /opt/blender/bin/pip install "bpy==${BLENDER_VERSION}" \
    && find /opt/blender -name __pycache__ -prune -exec rm -rf {} +

# What Tileproof needs, before Tileproof, so that a change of its source installs nothing again.
WORKDIR /source
COPY requirements.lock ./
RUN python3 -m venv /opt/tileproof \
    && /opt/tileproof/bin/pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml LICENSE README.md ./
COPY contracts/artifacts contracts/artifacts
COPY src src
RUN /opt/tileproof/bin/pip install --no-deps .

FROM ${BASE_IMAGE}
# What bpy's libraries link to, then what the roles need. Landlock is the sandbox in a container with
# Docker's own seccomp profile; bubblewrap serves those who allow it namespaces.
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libegl1 libgl1 libice6 libopengl0 libsm6 libx11-6 libxext6 libxfixes3 libxi6 libxkbcommon0 \
        libxrender1 libxt6 libegl-mesa0 libgl1-mesa-dri \
        bubblewrap ca-certificates python3 tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin tileproof \
    && install -d -o tileproof -g tileproof /ipfs /network /state /swarm /work
COPY --from=environments /opt/blender /opt/blender
COPY build/image/starknet-devnet build/image/ipfs /usr/local/bin/
COPY --from=environments /opt/tileproof /opt/tileproof
COPY docker/role docker/healthy /usr/local/bin/
COPY docker/sbom.py /tmp/sbom.py
# What the image is made of, for those who must know.
ARG VERSION=0.1.0
RUN install -d /usr/share/tileproof \
    && python3 /tmp/sbom.py "${VERSION}" /opt/tileproof/lib/python3.11/site-packages \
        /opt/blender/lib/python3.11/site-packages >/usr/share/tileproof/sbom.cdx.json \
    && rm /tmp/sbom.py
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tileproof" \
    org.opencontainers.image.description="Every role of a render farm whose work is audited by tiles" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.tileproof.sbom="/usr/share/tileproof/sbom.cdx.json"

# The root may be read-only: what is written goes to /tmp or to a volume.
ENV PATH=/opt/tileproof/bin:/usr/local/bin:/usr/bin:/bin \
    BLENDER_PATH=/opt/blender \
    TILEPROOF_CACHE=/tmp/tileproof \
    TILEPROOF_HOME=/state \
    TILEPROOF_HEARTBEAT=/tmp/heartbeat \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER tileproof
WORKDIR /work
ENTRYPOINT ["tini", "--", "role"]
CMD ["--help"]
