"""The report holds everything that it was given, and needs nothing else."""

import base64
from dataclasses import fields
from html.parser import HTMLParser

import pytest

from sklearn_reasoning.experiments._claims import RULES, Claim
from sklearn_reasoning.experiments._protocol import Protocol
from sklearn_reasoning.experiments._report import write_report

EVIL = "<script>alert('\"&')</script>"
CLAIMS = [
    Claim("fig2", "Cvg of nag is below that of gd", "holds", "0.1 & 0.2", None),
    Claim("fig3", "k < 3 & so on", "does not hold", "-1.5 at k = 3", 0.004),
    Claim("fig3", "another", "holds in part", EVIL, 1e-200),
    Claim("fig3", "a third", "undecided", "+0.1 and -0.1", 0.4),
    Claim("fig5", EVIL, "not testable", "one repetition", None),
]
PNG = b"\x89PNG\r\n\x1a\n and so on"
PROVENANCE = {
    "command": f"sklearn-reasoning reproduce fig3 --out {EVIL}",
    "seconds": 3725.4,
    "versions": {"torch": "2.13.0", "numpy <x>": "2.4"},
    EVIL: [1, 2, None],
}


class Page(HTMLParser):
    """What a page says, and its elements; elements must be closed in order."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text, self.images = [], [], [], "", []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


@pytest.fixture
def figures(tmp_path):
    paths = [tmp_path / "fig3.png", tmp_path / "fig3.svg"]
    paths[0].write_bytes(PNG)
    paths[1].write_text("<svg/>")
    return {"fig3": paths}


@pytest.fixture
def page(tmp_path, figures):
    path = write_report(tmp_path / "made" / "here", Protocol(), CLAIMS, figures, PROVENANCE)
    assert path == tmp_path / "made" / "here" / "report.html"
    assert list(path.parent.iterdir()) == [path]
    return Page(path.read_text(encoding="utf-8"))


def test_every_claim_is_told_with_verdict_numbers_and_test(page):
    for claim in CLAIMS:
        for words in (claim.text, claim.verdict, claim.found):
            assert words in page.text
    assert "p = 0.004" in page.text
    assert "p < 1e-99" in page.text
    assert RULES in page.text


def test_the_verdicts_of_each_figure_are_counted(page):
    head, _, rest = page.text.partition("claims that")
    line = rest[rest.index("Figure 3") :].splitlines()[0]
    assert line == "Figure 3: empirical loss against k\N{EN DASH}111\N{EN DASH}"
    assert "NeurIPS 2020" in head


def test_figures_are_inside(page):
    (image,) = page.images
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == PNG
    assert image["alt"] == "Figure 3: empirical loss against k"


def test_nothing_is_fetched_or_run(page):
    assert not set(page.tags) & {"script", "link", "iframe", "object", "embed", "form", "base"}
    addresses = [v for name, v in page.attributes if name in ("src", "href", "srcset", "action")]
    assert all(v.startswith(("data:image/png;base64,", "#fig")) for v in addresses)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    policy = next(v for name, v in page.attributes if name == "content" and "default-src" in v)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_what_is_given_is_escaped(page, tmp_path):
    text = (tmp_path / "made" / "here" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "alert('" not in text
    assert page.text.count(EVIL) == 4


def test_settings_and_provenance_are_told(page):
    for field in fields(Protocol):
        assert field.name in page.text
    for words in ("0.01, 0.005, 0.001", "1 h 2 min 5 s", "torch: 2.13.0", "numpy <x>: 2.4"):
        assert words in page.text
    assert "1, 2, none" in page.text
    assert PROVENANCE["command"] in page.text


def test_it_fits_a_phone(page):
    assert ("name", "viewport") in page.attributes
    assert ("content", "width=device-width, initial-scale=1") in page.attributes


def test_the_same_input_gives_the_same_bytes(tmp_path, figures):
    pages = [
        write_report(tmp_path / name, Protocol(), CLAIMS, figures, PROVENANCE).read_bytes()
        for name in ("one", "two")
    ]
    assert pages[0] == pages[1]


def test_a_report_without_claims_or_figures_is_a_page_still(tmp_path):
    text = write_report(tmp_path, Protocol(), [], {}, {}).read_text(encoding="utf-8")
    assert "No claims were judged" in Page(text).text


def test_a_missing_figure_is_an_error_and_leaves_no_report(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_report(tmp_path / "out", Protocol(), CLAIMS, {"fig3": [tmp_path / "no.png"]}, {})
    assert not (tmp_path / "out").exists()
