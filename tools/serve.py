"""Serve the built site, or JupyterLab, to this machine only.

    python tools/serve.py site [--port 8000]    the site in _build/html, built first if a source is newer
    python tools/serve.py lab  [--port 8888]    the notebooks, live
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import io
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
SOURCES = ("_config.yml", "_toc.yml", "book", "dlcore", "exercises/source", "notebooks", "tools/build_site.py")
HOST = "127.0.0.1"
TEXTS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
PORTS = {"site": 8000, "lab": 8888}


def is_stale(site: Path = SITE, root: Path = ROOT) -> bool:
    """Tell whether there is no site, or a source is newer than it."""
    index = site / "index.html"
    if not index.exists():
        return True
    built = index.stat().st_mtime
    return any(file.stat().st_mtime > built for file in _source_files(root))


def _source_files(root: Path) -> Iterator[Path]:
    for source in SOURCES:
        path = root / source
        if path.is_file():
            yield path
        for folder, _, names in os.walk(path):
            if "__pycache__" not in folder and ".ipynb_checkpoints" not in folder:
                yield from (Path(folder, name) for name in names)


def is_taken(port: int) -> bool:
    """Tell whether another program listens on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files, texts compressed as any web server does, tells browsers to ask again, and logs errors only."""

    def send_head(self) -> BinaryIO | None:
        path = Path(self.translate_path(self.path))
        if self.path.split("?")[0].endswith("/"):
            path /= "index.html"
        kind = TEXTS.get(path.suffix)
        if not kind or not path.is_file() or "gzip" not in self.headers.get("Accept-Encoding", ""):
            return super().send_head()
        body = gzip.compress(path.read_bytes(), mtime=0)
        self.send_response(200)
        for name, value in {"Type": f"{kind}; charset=utf-8", "Encoding": "gzip", "Length": str(len(body))}.items():
            self.send_header(f"Content-{name}", value)
        self.end_headers()
        return io.BytesIO(body)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if str(code).startswith(("4", "5")):
            super().log_request(code, size)


def serve_site(port: int) -> int:
    """Serve `_build/html` until Ctrl-C."""
    if is_stale():
        build = subprocess.run([sys.executable, ROOT / "tools" / "build_site.py"])
        if build.returncode != 0:
            return build.returncode
    handler = functools.partial(QuietHandler, directory=str(SITE))
    with http.server.ThreadingHTTPServer((HOST, port), handler) as server:
        print(f"The book is at http://{HOST}:{port}/ (Ctrl-C stops it)", flush=True)
        server.serve_forever()
    return 0


def serve_lab(port: int) -> NoReturn:
    """Become JupyterLab, opened at the notebooks."""
    options = [f"--ServerApp.ip={HOST}", f"--port={port}", "--ServerApp.port_retries=0"]
    options += [f"--ServerApp.root_dir={ROOT}", "--LabApp.default_url=/lab/tree/notebooks"]
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0 when it was stopped by the reader."""
    parser = argparse.ArgumentParser(description="Serve the site or JupyterLab on the loopback interface.")
    parser.add_argument("what", choices=PORTS)
    parser.add_argument("--port", type=int)
    options = parser.parse_args(arguments)
    port = options.port or PORTS[options.what]
    if is_taken(port):
        target = "serve" if options.what == "site" else "lab"
        print(f"Stopped: port {port} is taken; choose another one: make {target} PORT={port + 1}.", file=sys.stderr)
        return 1
    try:
        return {"site": serve_site, "lab": serve_lab}[options.what](port)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
