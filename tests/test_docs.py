"""The pages of the documentation lead to one another, and to every public name."""

import inspect
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MARKDOWN = [*sorted(DOCS.glob("*.md")), *sorted(ROOT.glob("*.md"))]
PAGES = [*DOCS.glob("*.md"), *DOCS.glob("*.rst"), *DOCS.glob("api/*.rst")]
# README.md is the text of index.rst; the gallery is built from examples/.
NOT_PAGES, GENERATED = {"index", "README"}, {"gallery/index"}


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """Return the anchors that code hosts and MyST give to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", without_code(path.read_text()), flags=re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text())):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name) if name else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_the_first_case_of_the_readme_is_the_one_that_is_measured():
    oven = inspect.getsource(runpy.run_path(str(ROOT / "benchmarks" / "first_case.py"))["oven"])
    first, *others = oven.rstrip().splitlines()
    shown = "\n".join([f">>> {first}", *(f"... {line}" for line in others)])
    assert shown in (ROOT / "README.md").read_text()


def test_every_page_is_in_the_contents():
    listed = set()
    for path in PAGES:
        for block in re.findall(r"^\.\. toctree::\n((?:\n|   .*\n)+)", path.read_text(), re.M):
            entries = (line.strip() for line in block.splitlines())
            names = [line for line in entries if line and not line.startswith(":")]
            folder = path.parent.relative_to(DOCS)
            listed |= {(folder / name).as_posix() for name in names}
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in PAGES}
    assert listed == (pages - NOT_PAGES) | GENERATED


def test_the_reference_lists_every_public_name():
    public_names = runpy.run_path(str(DOCS / "_extensions" / "complete_api.py"))["public_names"]()
    listed = set()
    for path in DOCS.glob("api/*.rst"):
        text = path.read_text()
        for module in re.findall(r"^\.\. currentmodule:: (\S+)$", text, re.M):
            listed |= {f"{module}.{name}" for name in re.findall(r"^   (\w+)$", text, re.M)}
    missing = public_names - listed
    # What the package itself exports needs no second page in its room.
    top = {name.rpartition(".")[2] for name in listed if name.count(".") == 1}
    assert {name for name in missing if name.rpartition(".")[2] not in top} == set()
    assert listed <= public_names
