"""Where things are in the project."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BOOK = ROOT / "book"
MACROS = BOOK / "macros.tex"
NOTEBOOKS = ROOT / "notebooks"
EXERCISES = ROOT / "exercises" / "source"
TESTS = ROOT / "tests"
