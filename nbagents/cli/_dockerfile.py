"""What a container with an app is made of: the text of its Dockerfile, and what stays out of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

__all__ = ["dockerfile", "dockerignore"]

TOKEN, CERTIFICATE, KEY = "nbagents-token", "tls.crt", "tls.key"
"""Names of the files that are mounted in ``/run/secrets``. Not what is in them."""

DOCKERFILE = """\
# {target}, served by nbagents {version}. Written by `nbagents app dockerfile`.
#
#   docker build -t {image} .
#   docker run -p 127.0.0.1:{port}:{port} --read-only --tmpfs /tmp --tmpfs /home/app:uid=10001 \\
#     --cap-drop ALL --security-opt no-new-privileges \\
{mounts}
#     {image}
#
# No secret is in the image: {what} mounted when a container runs.
FROM python:{python}-slim

ENV PYTHONUNBUFFERED=1 \\
    PYTHONDONTWRITEBYTECODE=1 \\
    PIP_NO_CACHE_DIR=1 \\
    PIP_ROOT_USER_ACTION=ignore \\
    HOME=/home/app

RUN useradd --uid 10001 --create-home --home-dir /home/app --shell /usr/sbin/nologin app

WORKDIR /app
{install}
COPY . .
# It may read what is in here, whoever could where it was written, and write nothing of it.
RUN chmod -R a+rX,go-w .
USER 10001
EXPOSE {port}
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD {health}
CMD {command}
"""

DOCKERIGNORE = """\
# What a container of the app does not need, and what must not get into an image.
# Hidden files and folders: .git, .env, .ssh, .aws, .netrc, .venv, .ipynb_checkpoints.
**/.*
Dockerfile*
**/__pycache__
**/*.py[cod]
**/*.ipynb
**/*.log
**/node_modules
build
dist
**/venv
**/env
# Keys, certificates and tokens.
**/*.env
**/*.key
**/*.pem
**/*.crt
**/*.p12
**/*.pfx
**/*.jks
**/*.kdbx
**/*.ppk
**/*.header
**/id_rsa*
**/id_dsa*
**/id_ecdsa*
**/id_ed25519*
**/token
**/token.txt
**/*.token
**/*[-_]token
**/*[-_]token.txt
**/secrets
**/secrets.json
**/secrets.toml
**/secrets.y*ml
**/*credentials*.json
**/*service[-_]account*.json
**/client_secret*.json
# What the app keeps.
**/*.db
**/*.sqlite*
"""


def dockerfile(
    target: str,
    *,
    version: str,
    port: int,
    hosts: Sequence[str] = (),
    behind_proxy: bool = False,
    requirements: bool = False,
) -> str:
    """Return a Dockerfile for an app that is named ``module:app``, in the folder that is built."""
    mounted = [TOKEN] if behind_proxy else [TOKEN, CERTIFICATE, KEY]
    package = f"RUN pip install 'jupyter-nbagents=={version}'"
    listed = "COPY requirements.txt .\nRUN pip install -r requirements.txt"
    return DOCKERFILE.format(
        target=target,
        version=version,
        image=target.partition(":")[0].rpartition(".")[2].replace("_", "-").lower(),
        port=port,
        mounts="\n".join(
            f"#     --mount type=bind,src=$PWD/secrets/{name},dst=/run/secrets/{name},readonly \\"
            for name in mounted
        ),
        what="the token is" if behind_proxy else "token, certificate and key are",
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        install=f"{package}\n{listed}" if requirements else package,
        health=json.dumps(["python", "-c", _health(port, tls=not behind_proxy)]),
        command=json.dumps(_command(target, port, hosts, behind_proxy)),
    )


def dockerignore() -> str:
    """Return what is kept out of the image."""
    return DOCKERIGNORE


def _command(target: str, port: int, hosts: Sequence[str], behind_proxy: bool) -> list[str]:
    # Every address of the container, since its own is not known before; what is published decides who comes.
    command = f"nbagents app {target} --host 0.0.0.0 --port {port}".split()
    command += ["--token-file", f"/run/secrets/{TOKEN}"]
    if behind_proxy:
        command.append("--insecure")
    else:
        command += ["--ssl-certfile", f"/run/secrets/{CERTIFICATE}", "--ssl-keyfile", f"/run/secrets/{KEY}"]
    return command + [part for host in hosts for part in ("--allow-host", host)]


def _health(port: int, *, tls: bool) -> str:
    """Return a program that ends with 0 if the app is well. It minds no proxy, and no certificate's name."""
    ask = "c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"
    if not tls:
        return f"import http.client; c = http.client.HTTPConnection('127.0.0.1', {port}, timeout=4); {ask}"
    return (
        "import http.client, ssl; s = ssl.create_default_context(); s.check_hostname = False;"
        f" s.verify_mode = ssl.CERT_NONE; c = http.client.HTTPSConnection('127.0.0.1', {port}, timeout=4,"
        f" context=s); {ask}"
    )
