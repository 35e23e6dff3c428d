"""The pages and tables that are made from the project itself each time the site is built."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import dlcore
from companion import coverage, exercises, graph
from companion.contents import Outline, is_written, notebook, outlines, parts
from companion.paths import BOOK, EXERCISES
from dlcore.datasets import CATALOGUE
from dlcore.display import CHAPTERS, Chapter


def write(source: Path) -> None:
    """Write every generated page into a directory of sources; pages of book/ include what stands in generated/."""
    for name, text in generated().items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def generated() -> dict[str, str]:
    """Return path -> Markdown."""
    fragments = {
        "chapters": chapter_list(),
        "progress": progress(),
        "coverage": coverage_map(),
        "dependencies": dependencies(),
        "data": data(),
        "execution_times": execution_times(),
        "benchmarks": benchmarks(),
        "modules": "\n".join(f"- [`{name}`](api/{name}.md): {summary(name)}" for name in modules()),
    }
    pages = {f"generated/{name}.md": text + "\n" for name, text in fragments.items()}
    for chapter in CHAPTERS:
        if not is_written(chapter):
            pages[f"notebooks/{chapter.stem}.md"] = unwritten(chapter, outlines()[chapter.number])
        source = EXERCISES / chapter.stem / f"{chapter.stem}.ipynb"
        if source.exists():
            pages[f"exercises/{chapter.stem}.md"] = exercises.page(chapter, source)
    for name in modules():
        pages[f"api/{name}.md"] = f"# {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n"
    return pages


# --- chapters -------------------------------------------------------------------------------------------------


def unwritten(chapter: Chapter, outline: Outline) -> str:
    """Return the page of a chapter that is still to come."""
    labels = [chapter.label, *(f"sec-{number.replace('.', '-')}" for number in outline.sections)]
    return (
        f"({labels[0]})=\n# {chapter.title}\n\n"
        f"*{chapter.question}*\n\n"
        f"This chapter is not written yet.{_needs(chapter)} It will treat these sections of the book:\n\n"
        + "".join(f"({label})=\n" for label in labels[1:])
        + "\n{.outline}\n"
        + "\n".join(f"- {number} {title}" for number, title in outline.sections.items())
        + "\n\nUntil then, the [coverage map](../coverage.md) shows what is there.\n"
    )


def _needs(chapter: Chapter) -> str:
    links = [f"[{CHAPTERS[number - 1].title}](#{CHAPTERS[number - 1].label})" for number in chapter.needs]
    return f" It builds on {_and(links)}." if links else ""


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def chapter_list() -> str:
    """Return the three Parts with their chapters, each with its question, and whether it can be read."""
    blocks = []
    for part in parts():
        items = [f"### Part {part.numeral}: {part.title}\n\n{{.chapters}}"]
        for chapter in part.chapters:
            state = "[ready]{.ready}" if is_written(chapter) else "[to come]{.to-come}"
            link = f"[{chapter.number}]{{.number}} [{chapter.title}](#{chapter.label})"
            items.append(f"- {link} {state}\\\n  {chapter.question}")
        blocks.append("\n".join(items))
    return "\n\n".join(blocks)


def progress() -> str:
    """Say in a few words how much of the book there is."""
    written = [chapter for chapter in CHAPTERS if is_written(chapter)]
    names = _and([f"[{chapter.number}, *{chapter.title}*](#{chapter.label})" for chapter in written])
    return (
        f"Each chapter sets out to answer a question. Ready to read today: chapter {names}. The others are to come; "
        "the [coverage map](coverage.md) says, section by section, what is there."
    )


def dependencies() -> str:
    """Return the graph of the chapters, and the same in words."""
    words = []
    for chapter in CHAPTERS:
        needed = _and([str(number) for number in chapter.needs]) if chapter.needs else "none"
        words.append(f"| {chapter.number} | [{chapter.title}](#{chapter.label}) | {needed} |")
    table = "\n".join(["| number | chapter | needs |", "|---|---|---|", *words])
    return f"{graph.svg()}\n\n<details><summary>The same as a table</summary>\n\n{table}\n\n</details>"


# --- coverage -------------------------------------------------------------------------------------------------


def coverage_map() -> str:
    """Return the whole map: a mark for each section and algorithm, then what is known of those treated."""
    marks, tables, count = [], [], {"sections": 0, "algorithms": 0}
    total = {"sections": 0, "algorithms": 0}
    for number, outline in outlines().items():
        chapter = CHAPTERS[number - 1]
        sections = coverage.sections(notebook(chapter)) if is_written(chapter) else {}
        algorithms = coverage.algorithms(notebook(chapter)) if is_written(chapter) else {}
        row = [_mark(section, title, section in sections) for section, title in outline.sections.items()]
        row += [_algorithm_mark(name, algorithms.get(name)) for name in outline.algorithms]
        marks.append(f"**{number}** [{chapter.title}](#{chapter.label})\n: {' '.join(row)}")
        if sections:
            tables.append(_coverage_table(chapter, outline, sections))
        count["sections"] += len(outline.sections.keys() & sections.keys())
        count["algorithms"] += len(set(outline.algorithms) & algorithms.keys())
        total["sections"] += len(outline.sections)
        total["algorithms"] += len(outline.algorithms)
    said = " and ".join(f"**{count[what]} of {total[what]} {what}**" for what in total)
    overview = "{.coverage}\n" + "\n\n".join(marks)
    return f"{said} are treated.\n\n{overview}\n\n## Functions and tests\n\n" + "\n\n".join(tables)


def _mark(number: str, title: str, treated: bool) -> str:
    if treated:
        return f'[{number}](#sec-{number.replace(".", "-")} "{title}")'
    return f'[{number}<span class="visually-hidden"> not yet</span>]{{.not-yet title="{title}: not yet"}}'


def _algorithm_mark(number: str, label: str | None) -> str:
    name = f"Algorithm {number}"
    if label:
        return f"[{name}](#{label})"
    return f'[{name}<span class="visually-hidden"> not yet</span>]{{.not-yet title="{name}: not yet"}}'


def _coverage_table(chapter: Chapter, outline: Outline, sections: dict[str, coverage.Treated]) -> str:
    lines = [f"### {chapter.number} {chapter.title}", "", "| section | functions | tests |", "|---|---|---|"]
    for number, title in outline.sections.items():
        if number in sections:
            functions = sections[number].functions
            links = ", ".join(_function(name) for name in functions) or "plain NumPy"
            tests = sorted({test for name in functions for test in coverage.tests().get(name, [])})
            lines.append(f"| [{number} {title}](#{sections[number].label}) | {links} | {_tests(tests)} |")
        else:
            lines.append(f"| {number} {title} | not yet | |")
    return "\n".join(lines)


def _function(name: str) -> str:
    """Return a link to a function or class; an Op is a value of its module, which has no entry in the API."""
    module, _, last = name.rpartition(".")
    has_entry = inspect.isroutine(thing := getattr(importlib.import_module(module), last)) or inspect.isclass(thing)
    return f"{{py:obj}}`~{name}`" if has_entry else f"`{last}`"


def _tests(names: list[str]) -> str:
    if not names:
        return "the page's own checks"
    listed = "<br>".join(f"<code>{name}</code>" for name in names)
    plural = "s" if len(names) > 1 else ""
    return f"<details><summary>{len(names)} test{plural}</summary>{listed}</details>"


# --- reference ------------------------------------------------------------------------------------------------


def modules() -> list[str]:
    """Return the public modules of dlcore; a package that lists its names in `__all__` stands for what is in it."""
    return list(_modules(dlcore.__path__, "dlcore."))


def _modules(path: list[str], prefix: str) -> Iterator[str]:
    for module in pkgutil.iter_modules(path, prefix):
        public = not module.name.rpartition(".")[2].startswith("_")
        if public and hasattr(loaded := importlib.import_module(module.name), "__all__"):
            yield module.name
        elif public and module.ispkg:
            yield from _modules(loaded.__path__, f"{module.name}.")


def summary(name: str) -> str:
    """Return the first line of a module's docstring."""
    return (importlib.import_module(name).__doc__ or "").strip().splitlines()[0]


def data() -> str:
    """Return the table of the data sets."""
    lines = ["| data set | shape | what the numbers are | source | licence |", "|---|---|---|---|---|"]
    for dataset in CATALOGUE:
        lines.append(
            f"| **{dataset.name}**<br>`{dataset.call}` | {dataset.shape} | {dataset.units} "
            f"| {dataset.source} {{cite:p}}`{dataset.citation}` | {dataset.licence} |"
        )
    return "\n".join(lines)


def execution_times() -> str:
    """Return the table of what each chapter costs to execute."""
    recorded: dict[str, float] = {}
    if (BOOK / "execution_times.json").exists():
        recorded = json.loads((BOOK / "execution_times.json").read_text(encoding="utf-8"))
    if not recorded:
        return "No chapter has been timed yet."
    lines = ["| chapter | CPU seconds | at most |", "|---|--:|--:|"]
    for chapter in CHAPTERS:
        if chapter.stem in recorded:
            seconds = f"{recorded[chapter.stem]:.1f}"
            lines.append(f"| [{chapter.number} {chapter.title}](#{chapter.label}) | {seconds} | {chapter.seconds} |")
    return "\n".join(lines)


def benchmarks() -> str:
    """Return the table that `make bench` recorded, and on what."""
    record = json.loads((BOOK / "benchmarks.json").read_text(encoding="utf-8"))
    packages = ", ".join(f"{name} {version}" for name, version in record["packages"].items())
    lines = [
        f"Measured on {record['system']}, {record['processor']}, one thread, with {packages}.",
        "",
        "| case | peer | dlcore, ms | peer, ms | ratio | from | to | |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    ]
    for case in record["cases"]:
        milliseconds = [1e3 * case[side] for side in ("ours", "theirs")]
        times = [f"{t:,.0f}" if t >= 1000 else f"{t:#.3g}".rstrip(".") for t in milliseconds]
        ratios = [f"{case[key]:.{0 if case['ratio'] > 10 else 2}f}" for key in ("ratio", "lowest", "highest")]
        cells = [case["what"], case["peer"], *times, *ratios, case["note"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
