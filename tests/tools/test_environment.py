"""The environment is made once, repaired when stale, and a failure is one sentence."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "tools" / "environment.py"
HERE = sys.version_info[:2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with nothing in it but the program and what it reads."""
    (tmp_path / "tools").mkdir()
    shutil.copy(SOURCE, tmp_path / "tools")
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\nappnope==0.1 ; sys_platform == 'darwin'\n")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'tiny'\n")
    (tmp_path / "_build").mkdir()
    return tmp_path


@pytest.fixture
def environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, loaded from that checkout, with `.venv` and pip replaced by a record of what was asked."""
    monkeypatch.delenv("PYTHON", raising=False)
    spec = importlib.util.spec_from_file_location("environment_under_test", project / "tools" / "environment.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.asked = []

    def run(command: list[str], progress: object = None) -> int:
        module.asked.append(command)
        if "venv" in command:
            python = Path(module.PYTHON)
            python.parent.mkdir(parents=True, exist_ok=True)
            python.unlink(missing_ok=True)
            python.symlink_to(sys.executable)
        return 0

    monkeypatch.setattr(module, "run", run)
    return module


def asked(environment: ModuleType) -> list[str]:
    """Return what the program did since the last call: "venv", "packages", "project"."""
    names = {"venv": "venv", "--requirement": "packages", "--editable": "project"}
    done = [name for command in environment.asked for word, name in names.items() if word in command]
    environment.asked.clear()
    return done


def test_it_parses_under_an_old_python() -> None:
    ast.parse(SOURCE.read_text(), feature_version=(3, 8))


def test_it_needs_the_standard_library_only() -> None:
    tree = ast.parse(SOURCE.read_text())
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in modules} <= set(sys.stdlib_module_names)


def test_it_is_made_once(environment: ModuleType) -> None:
    environment.prepare()
    assert asked(environment) == ["venv", "packages", "project"]
    environment.prepare()
    assert asked(environment) == []


def test_new_requirements_rebuild_it(environment: ModuleType, project: Path) -> None:
    environment.prepare()
    asked(environment)
    (project / "requirements.txt").write_text("numpy==2.4.7\n")
    environment.prepare()
    assert asked(environment) == ["venv", "packages", "project"]


def test_a_new_pyproject_reinstalls_the_project_alone(environment: ModuleType, project: Path) -> None:
    environment.prepare()
    asked(environment)
    (project / "pyproject.toml").write_text("[project]\nname = 'tinier'\n")
    environment.prepare()
    assert asked(environment) == ["project"]
    environment.prepare()
    assert asked(environment) == []


@pytest.mark.parametrize("field", ["place", "python", "requirements"])
def test_an_environment_made_otherwise_is_rebuilt(environment: ModuleType, field: str) -> None:
    environment.prepare()
    asked(environment)
    stamp = Path(environment.STAMP)
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {field: "other"}))
    environment.prepare()
    assert asked(environment) == ["venv", "packages", "project"]


@pytest.mark.parametrize("damage", ["", "{", "[]", "null"])
def test_a_damaged_stamp_counts_as_none(environment: ModuleType, damage: str) -> None:
    environment.prepare()
    asked(environment)
    Path(environment.STAMP).write_text(damage)
    environment.prepare()
    assert asked(environment)[0] == "venv"


def test_an_environment_whose_python_is_gone_is_rebuilt(environment: ModuleType) -> None:
    environment.prepare()
    asked(environment)
    Path(environment.PYTHON).unlink()
    environment.prepare()
    assert asked(environment)[0] == "venv"


def test_an_interrupted_installation_leaves_no_stamp(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: str, progress: object = None) -> int:
        raise KeyboardInterrupt

    environment.prepare()
    Path(environment.REQUIREMENTS).write_text("numpy==2.4.7\n")
    monkeypatch.setattr(environment, "pip", interrupt)
    assert environment.main() == 130
    assert not Path(environment.STAMP).exists()


def test_another_python_is_used_when_it_is_asked_for(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.prepare()
    asked(environment)
    monkeypatch.setenv("PYTHON", sys.executable)
    environment.prepare()
    assert asked(environment) == []
    monkeypatch.setattr(environment, "version_of", lambda python: (3, 99) if python == environment.PYTHON else HERE)
    environment.prepare()
    assert asked(environment)[0] == "venv"


def pretend_old(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        version_info = (3, 10, 13)
        executable = "/old/python3"

    monkeypatch.setattr(environment, "sys", Old)


def test_an_old_python_is_named_with_what_to_do(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_old(environment, monkeypatch)
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    sentence = r"needs Python 3\.11 or newer, found 3\.10\.13 at /old/python3; set PYTHON="
    with pytest.raises(environment.Stop, match=sentence):
        environment.base_python()


def test_a_newer_python_beside_an_old_one_is_found(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_old(environment, monkeypatch)
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(environment, "version_of", lambda python: (3, 12) if python == "/bin/python3.12" else None)
    assert environment.base_python() == "/bin/python3.12"  # 3.14 and 3.13 are on the PATH and do not run
    monkeypatch.setenv("PYTHON", "/old/python3")
    with pytest.raises(environment.Stop, match="needs Python"):
        environment.base_python()


def test_progress_counts_packages(environment: ModuleType, project: Path) -> None:
    log = project / "_build" / "install.log"
    requirements = project / "requirements.txt"
    requirements.write_text("".join(f"p{n}==1\n" for n in range(60)) + "w==1 ; sys_platform == 'win32'\n# a remark\n")
    log.write_text("Ignoring w: markers do not match\n" + "Collecting p\n" * 30)
    assert environment.count_packages() == "fetching 60 packages ... 25/60"
    with log.open("a") as file:
        file.write("\nInstalling collected packages: p0, p1\n")
    site = project / ".venv" / "lib" / "python3.12" / "site-packages"
    for number in range(50):
        (site / f"p{number}-1.dist-info").mkdir(parents=True)
    assert environment.count_packages() == "installing 60 packages ... 50/60"


LOGS = {
    "ERROR: Could not find a version that satisfies the requirement numpy==9.9 (from versions: none)\n"
    "ERROR: No matching distribution found for numpy==9.9\n": ("numpy==9.9", "no such release for Python 3.12"),
    "WARNING: Retrying after connection broken by 'NewConnectionError'\n"
    "ERROR: No matching distribution found for numpy==2.4.6\n": ("numpy==2.4.6", "network"),
    "Collecting scipy==1.17.1\n  ERROR: Failed building wheel for scipy\n": ("scipy", "building one failed"),
    "Collecting scipy==1.17.1\nOSError: [Errno 28] No space left on device\n": ("scipy==1.17.1", "disk is full"),
    "Collecting scipy==1.17.1\nERROR: something new\n": ("scipy==1.17.1", "the log"),
    "": ("the packages", "the log"),
}


@pytest.mark.parametrize("log", LOGS)
def test_a_failed_installation_names_package_and_remedy(environment: ModuleType, log: str) -> None:
    package, remedy = LOGS[log]
    sentence = environment.why_pip_failed(log, (3, 12))
    assert sentence.startswith(f"cannot install {package}: ")
    assert remedy in sentence
    assert "install.log" in sentence
    assert "\n" not in sentence


def test_a_package_that_does_not_exist_stops_make_with_one_sentence(project: Path) -> None:
    """The whole way, with a real virtual environment and a real pip that may ask no index."""
    (project / "requirements.txt").write_text("no-such-package-of-the-book==1.0\n")
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PIP_") and key != "PYTHON"}
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, "tools/environment.py"], cwd=project, env=variables | offline, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Stopped: cannot install no-such-package-of-the-book==1.0: ")
    assert "No matching distribution" in (project / "_build" / "install.log").read_text()
    assert not (project / ".venv" / "stamp.json").exists()


OLD = next((path for minor in (10, 9, 8) if (path := shutil.which(f"python3.{minor}"))), None)


@pytest.mark.skipif(OLD is None, reason="there is no Python older than 3.11 on the PATH")
def test_a_really_old_python_gets_the_sentence(project: Path) -> None:
    done = subprocess.run(
        [str(OLD), "tools/environment.py"],
        cwd=project,
        env=os.environ | {"PYTHON": str(OLD)},
        capture_output=True,
        text=True,
    )
    if "pyenv" in done.stderr:
        pytest.skip("the old Python on the PATH does not run")
    assert done.returncode == 1
    assert done.stderr.startswith("Stopped: the book needs Python 3.11 or newer, found 3.")
