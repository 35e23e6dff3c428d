"""Make, check or repair the virtual environment in `.venv` that every make target runs in.

The file uses the standard library only and has to parse under Python 3.8, so that an old interpreter
gets a sentence to read and not a syntax error. A stamp inside `.venv` records what the environment was
made from; it is written last, so an interrupted installation never passes for a finished one.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable

OLDEST = (3, 11)
TESTED = (14, 13, 12, 11)  # minor versions of Python 3 to look for, newest first
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "stamp.json")
REQUIREMENTS = os.path.join(ROOT, "requirements.txt")
LOG = os.path.join(ROOT, "_build", "install.log")


class Stop(Exception):
    """Something the reader has to mend; the message is the one sentence they see."""


def version_of(python: str) -> tuple[int, int] | None:
    """Return the (major, minor) version of an interpreter, or None when it does not run."""
    command = [python, "-I", "-S", "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        major, minor = answer.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def base_python() -> str:
    """Return the interpreter to build on: this one, or a newer one on the PATH if nobody named this one."""
    if sys.version_info >= OLDEST:
        return getattr(sys, "_base_executable", None) or sys.executable  # never .venv's own
    if not os.environ.get("PYTHON"):
        for minor in TESTED:
            found = shutil.which(f"python3.{minor}")
            if found and version_of(found) == (3, minor):
                return found
    needed, found = (".".join(map(str, numbers)) for numbers in (OLDEST, sys.version_info[:3]))
    raise Stop(
        f"the book needs Python {needed} or newer, found {found} at {sys.executable}; "
        "set PYTHON= to another one, for example: make book PYTHON=python3.12"
    )


def digest(path: str) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def read_stamp() -> dict[str, object]:
    """Return what the environment says it was made from; empty when it was never finished."""
    try:
        with open(STAMP) as file:
            stamp = json.load(file)
        return stamp if isinstance(stamp, dict) else {}
    except (OSError, ValueError):
        return {}


def wanted_stamp(version: tuple[int, int]) -> dict[str, object]:
    """Return the stamp of a finished environment made with this version of Python, today, here."""
    return {
        "place": ROOT,  # an environment does not survive being moved
        "python": list(version),
        "requirements": digest(REQUIREMENTS),
        "project": digest(os.path.join(ROOT, "pyproject.toml")),
    }


def show(line: str, last: bool = False) -> None:
    """Print a line of progress, over the one before it when somebody is watching."""
    if sys.stdout.isatty():
        print("\r\033[K" + line, end="\n" if last else "", flush=True)
    else:
        print(line, flush=True)


def run(command: list[str], progress: Callable[[], str] | None = None) -> int:
    """Run a command with its output appended to the log, and show `progress()` whenever it changes."""
    shown = ""
    with open(LOG, "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            while progress and process.poll() is None:
                time.sleep(0.2)
                line = progress()
                if line and line != shown:
                    show(line)
                    shown = line
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise


def pip(*arguments: str, progress: Callable[[], str] | None = None) -> int:
    """Run `pip install` inside the environment; requirements.txt is complete, so nothing is left to resolve."""
    options = ["--no-deps", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    return run([PYTHON, "-u", "-m", "pip", "install", *options, *arguments], progress)


def count_packages() -> str:
    """Say how many packages pip has fetched or, once that is done, put in place."""
    with open(LOG, errors="replace") as file:
        log = file.read()
    with open(REQUIREMENTS) as file:
        listed = sum(line[0].isalnum() for line in file)
    total = listed - len(re.findall(r"^Ignoring ", log, re.M))  # meant for other systems
    if "\nInstalling collected packages" in log:
        step = "installing"
        done = min(total, len(glob.glob(os.path.join(VENV, "lib", "python*", "site-packages", "*.dist-info"))))
    else:
        step = "fetching"
        done = len(re.findall(r"^(?:Collecting|Processing) ", log, re.M))
    if not sys.stdout.isatty():
        done -= done % 25  # a few lines for a log file
    return f"{step} {total} packages ... {done}/{total}" if done else ""


def why_pip_failed(log: str, version: tuple[int, int]) -> str:
    """Turn pip's log into one sentence that names the package and what to do about it."""
    missing = re.findall(r"(?:No matching distribution found for|satisfies the requirement) ([^\s(;]+)", log)
    unbuilt = re.findall(r"(?:Failed building wheel for|Failed to build) ['\"]?([\w.-]+)", log)
    reached = re.findall(r"^Collecting (\S+)", log, re.M)
    package = (missing or unbuilt or reached or ["the packages"])[-1]
    another = "another one of Python 3.11 to 3.14 may do, set PYTHON="
    here = f"for Python {version[0]}.{version[1]} on this machine"
    end = log[-4000:]  # earlier troubles were overcome
    if "No space left on device" in end:
        why = "the disk is full, free some space"
    elif re.search(r"connection broken|NewConnectionError|Timeout|name resolution|ProxyError|SSLError", end):
        why = "the package index cannot be reached, check the network connection or pip's proxy settings"
    elif missing:
        why = f"the index has no such release {here}, {another}"
    elif unbuilt:
        why = f"there is no ready-made wheel {here} and building one failed, {another}"
    else:
        why = "the last lines of the log say why"
    return f"cannot install {package}: {why}, then run make again (full log: {os.path.relpath(LOG, ROOT)})"


def build(python: str, version: tuple[int, int]) -> None:
    """Make `.venv` from nothing and install every pinned package into it."""
    show(f"making .venv with Python {version[0]}.{version[1]} ({python})", last=True)
    if run([python, "-m", "venv", "--clear", VENV]) != 0:
        raise Stop(
            f"{python} cannot make a virtual environment, on Debian and Ubuntu "
            f"`apt install python{version[0]}.{version[1]}-venv` mends that (full log: {os.path.relpath(LOG, ROOT)})"
        )
    if pip("--requirement", REQUIREMENTS, progress=count_packages) != 0:
        with open(LOG, errors="replace") as file:
            raise Stop(why_pip_failed(file.read(), version))


def prepare() -> None:
    """Bring `.venv` to the state that requirements.txt and pyproject.toml describe; do nothing when it is there."""
    stamp, inside = read_stamp(), version_of(PYTHON)
    if os.environ.get("PYTHON") and inside != sys.version_info[:2]:
        inside = None  # made with another Python than the one asked for
    wanted = wanted_stamp(inside) if inside else {}
    if inside and stamp == wanted:
        return
    os.makedirs(os.path.dirname(LOG), exist_ok=True)
    open(LOG, "wb").close()
    if not inside or any(stamp.get(key) != wanted[key] for key in ("place", "python", "requirements")):
        python = base_python()
        version = version_of(python)
        assert version is not None, python
        if os.path.exists(STAMP):
            os.remove(STAMP)
        build(python, version)
        wanted = wanted_stamp(version)
    if pip("--no-build-isolation", "--editable", ROOT) != 0:
        raise Stop(f"cannot install dlcore itself from {ROOT} (full log: {os.path.relpath(LOG, ROOT)})")
    with open(STAMP + ".part", "w") as file:
        json.dump(wanted, file)
    os.replace(STAMP + ".part", STAMP)
    show("the environment in .venv is ready", last=True)


def main() -> int:
    """Prepare the environment; say in one sentence what is wrong when that is impossible."""
    try:
        prepare()
    except Stop as reason:
        print("\n" * sys.stdout.isatty() + f"Stopped: {reason}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: the environment is not finished; run make again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
