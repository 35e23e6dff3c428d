"""The site is served to this machine only, built when needed, and a taken port is one sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import serve


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of the loopback interface on which somebody listens."""
    with socket.socket() as listener:
        listener.bind((serve.HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((serve.HOST, 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(("what", "target"), [("site", "serve"), ("lab", "lab")])
def test_a_taken_port_is_one_sentence(taken: int, what: str, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main([what, "--port", str(taken)]) == 1
    hint = f"choose another one: make {target} PORT={taken + 1}"
    assert capsys.readouterr().err == f"Stopped: port {taken} is taken; {hint}.\n"


def test_a_port_is_free_until_somebody_listens(taken: int) -> None:
    assert serve.is_taken(taken)
    assert not serve.is_taken(free_port())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("_toc.yml", "book/index.md", "dlcore/linalg.py", "_build/html/index.html"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
        os.utime(path, (1000, 2000 if "_build" in name else 1000))
    return tmp_path


def stale(checkout: Path) -> bool:
    return serve.is_stale(checkout / "_build" / "html", checkout)


def test_a_site_newer_than_its_sources_is_served_as_it_is(checkout: Path) -> None:
    assert not stale(checkout)


@pytest.mark.parametrize("name", ["_toc.yml", "book/index.md", "dlcore/linalg.py"])
def test_a_newer_source_makes_the_site_stale(checkout: Path, name: str) -> None:
    os.utime(checkout / name, (3000, 3000))
    assert stale(checkout)


def test_a_new_source_makes_the_site_stale(checkout: Path) -> None:
    (checkout / "notebooks").mkdir()
    (checkout / "notebooks" / "02.ipynb").write_text("{}")
    assert stale(checkout)


def test_compiled_python_is_no_source(checkout: Path) -> None:
    (checkout / "dlcore" / "__pycache__").mkdir()
    (checkout / "dlcore" / "__pycache__" / "linalg.pyc").write_text("new")
    assert not stale(checkout)


def test_no_site_is_stale(tmp_path: Path) -> None:
    assert serve.is_stale(tmp_path / "nothing", tmp_path)


def test_a_failed_build_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "is_stale", lambda: True)
    monkeypatch.setattr(serve.subprocess, "run", lambda command: subprocess.CompletedProcess(command, 3))
    assert serve.main(["site", "--port", str(free_port())]) == 3


def test_the_site_is_served_on_the_loopback_interface(checkout: Path) -> None:
    """A whole server in a process of its own: it says where it is, serves pages, and stops at Ctrl-C."""
    port = free_port()
    program = (
        "import sys; from pathlib import Path; from tools import serve; serve.SITE = Path(sys.argv[2]);"
        "serve.is_stale = lambda: False; sys.exit(serve.main(['site', '--port', sys.argv[1]]))"
    )
    command = [sys.executable, "-c", program, str(port), str(checkout / "_build" / "html")]
    with subprocess.Popen(command, cwd=serve.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        watchdog = threading.Timer(30, server.kill)
        watchdog.start()
        try:
            assert server.stdout is not None
            assert server.stdout.readline().startswith(f"The book is at http://127.0.0.1:{port}/")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/index.html") as page:
                assert page.read() == b"text"
                assert page.headers["Cache-Control"] == "no-cache"
            with pytest.raises(urllib.error.HTTPError, match="404") as missing:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/nothing.html")
            missing.value.close()
            with socket.socket() as other:  # another address of this machine, where nobody may listen
                assert other.connect_ex(("127.0.0.2", port)) != 0
            server.send_signal(2)
            assert server.wait() == 0
        finally:
            watchdog.cancel()
            server.kill()
