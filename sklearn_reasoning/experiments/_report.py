"""The report of a study: one HTML file with claims, figures and settings."""

import base64
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import sklearn_reasoning
from sklearn_reasoning._runs.atomic_files import write_atomically

from ._claims import RULES, Claim
from ._evidence import FAILS, HOLDS, IN_PART, NOT_TESTABLE, UNDECIDED, show_p
from ._figures import TITLES
from ._protocol import Protocol
from ._tables import Table
from .denoising import DenoisingProtocol

_CLASSES = {
    HOLDS: "holds",
    IN_PART: "part",
    FAILS: "fails",
    UNDECIDED: "undecided",
    NOT_TESTABLE: "open",
}

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 62rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
img { max-width: 100%; height: auto; }
ul.claims { list-style: none; padding: 0; }
ul.claims li { border-left-style: solid; border-left-width: .4rem;
  padding: .3rem 0 .3rem .8rem; margin: 1rem 0; }
ul.claims p { margin: .2rem 0; color: #1a1a1a; }
.found { font-size: .9rem; }
.verdict { font-weight: 700; }
li.holds { border-color: #00664f; } .holds .verdict, td.holds { color: #00664f; }
li.part { border-color: #8a5a00; } .part .verdict, td.part { color: #8a5a00; }
li.fails { border-color: #a8321f; } .fails .verdict, td.fails { color: #a8321f; }
li.undecided { border-color: #34568b; }
.undecided .verdict, td.undecided { color: #34568b; }
li.open { border-color: #5c5c5c; } .open .verdict, td.open { color: #5c5c5c; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; } td, th { padding: .25rem .8rem .25rem 0; text-align: left;
  vertical-align: top; border-bottom: 1px solid #ddd; }
pre { background: #f3f3f3; padding: .7rem; overflow-x: auto; }
"""


@dataclass(frozen=True)
class Findings:
    """A section of the report that answers a question, its heading, with figures and tables.

    Numbers are shown with three digits. PNG files among the figures are shown.
    """

    question: str
    text: str
    tables: Sequence[Table]
    figures: Sequence[Path] = ()


def write_report(
    folder: str | Path,
    protocol: Protocol | None,
    claims: Sequence[Claim],
    figures: Mapping[str, Sequence[str | Path]],
    provenance: Mapping[str, Any],
    findings: Sequence[Findings] = (),
    denoising: DenoisingProtocol | None = None,
) -> Path:
    """Write ``report.html``: one file that needs no other, and runs no script.

    ``protocol`` is of figures 2 to 6, ``denoising`` of figure 7; None where the report has none of
    them. ``figures`` is what ``draw`` returned, by figure; the PNG files are put into the report.
    ``provenance`` says what else there is to say, in this order, with plain values, lists or
    mappings of them: ``"command"`` is shown as one to copy, ``"seconds"`` as hours, minutes and
    seconds. The findings are sections that follow the figures of the paper.
    """
    images = {name: _images(paths) for name, paths in figures.items()}
    path = Path(folder) / "report.html"
    settings = [each.to_dict() for each in (protocol, denoising) if each is not None]
    page = _page(settings, list(claims), images, dict(provenance), findings)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page.encode())
    return path


def _images(paths: Sequence[str | Path]) -> list[bytes]:
    return [path.read_bytes() for path in map(Path, paths) if path.suffix == ".png"]


def _page(
    settings: Sequence[Mapping[str, Any]],
    claims: list[Claim],
    images: Mapping[str, list[bytes]],
    provenance: dict[str, Any],
    findings: Sequence[Findings],
) -> str:
    command = provenance.pop("command", None)
    names = list(dict.fromkeys([*(claim.figure for claim in claims), *images]))
    # The policy holds a reader's browser to what the file promises: nothing is fetched or run.
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>The paper&#x27;s experiments, reproduced</title>",
        f"<style>{_STYLE}</style>\n</head>\n<body>",
        "<h1>The paper&#x27;s experiments, reproduced</h1>",
        "<p>Chen, Zhang, Reisinger and Song, &ldquo;Understanding Deep Architectures with "
        "Reasoning Layer&rdquo;, NeurIPS 2020: what it claims about its figures, and what this "
        f"study found. Made by sklearn_reasoning {escape(sklearn_reasoning.__version__)}.</p>",
        _command(command),
        _overview(names, claims),
        *(_section(name, claims, images.get(name, [])) for name in names),
        *map(_findings, findings),
        f"<h2>How claims are judged</h2>\n<p>{escape(RULES)}</p>",
        "<h2>Settings</h2>",
        *map(_settings, settings),
        f"<h2>Provenance</h2>\n{_settings(provenance)}" if provenance else "",
        "</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _command(command: Any) -> str:
    if command is None:
        return ""
    return f"<p>Make it again with</p>\n<pre><code>{escape(str(command))}</code></pre>"


def _overview(names: Sequence[str], claims: Sequence[Claim]) -> str:
    """Return how many claims of each figure have each verdict."""
    if not claims:
        return "<p>No claims were judged.</p>"
    heads = "".join(f'<th scope="col">{escape(verdict)}</th>' for verdict in _CLASSES)
    lines = []
    for name in names:
        counts = Counter(claim.verdict for claim in claims if claim.figure == name)
        cells = "".join(
            f'<td class="{css}">{counts[verdict]}</td>' if counts[verdict] else "<td>&ndash;</td>"
            for verdict, css in _CLASSES.items()
        )
        link = f'<a href="#{escape(name)}">{escape(_title(name))}</a>'
        lines.append(f'<tr><th scope="row">{link}</th>{cells}</tr>')
    rows = "\n".join(lines)
    return (
        f'<div class="wide"><table>\n<tr><th scope="col">claims that</th>{heads}</tr>\n'
        f"{rows}\n</table></div>"
    )


def _section(name: str, claims: Sequence[Claim], images: Sequence[bytes]) -> str:
    title = escape(_title(name))
    parts = [f'<section id="{escape(name)}">\n<h2>{title}</h2>']
    parts += [_image(image, title) for image in images]
    items = [_claim(claim) for claim in claims if claim.figure == name]
    if items:
        parts.append('<ul class="claims">\n' + "\n".join(items) + "\n</ul>")
    return "\n".join([*parts, "</section>"])


def _image(content: bytes, title: str) -> str:
    data = base64.b64encode(content).decode()
    return f'<img alt="{title}" src="data:image/png;base64,{data}">'


def _findings(found: Findings) -> str:
    title = escape(found.question)
    parts = [f"<section>\n<h2>{title}</h2>", f"<p>{escape(_sentence(found.text))}</p>"]
    parts += [_image(image, title) for image in _images(found.figures)]
    parts += map(_table, found.tables)
    return "\n".join([*parts, "</section>"])


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in table)
    rows = "\n".join(
        f"<tr>{''.join(f'<td>{escape(_shown(value))}</td>' for value in row)}</tr>"
        for row in zip(*table.values(), strict=True)
    )
    return f'<div class="wide"><table>\n<tr>{heads}</tr>\n{rows}\n</table></div>'


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "\N{EN DASH}" if math.isnan(value) else f"{value:.3g}"
    return str(value)


def _claim(claim: Claim) -> str:
    p = "" if claim.p_value is None else f" ({show_p(claim.p_value)})"
    return (
        f'<li class="{_CLASSES[claim.verdict]}"><p>{escape(_sentence(claim.text))}</p>\n'
        f'<p><span class="verdict">{escape(claim.verdict)}</span>{escape(p)}</p>\n'
        f'<p class="found">{escape(_sentence(claim.found))}</p></li>'
    )


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _title(name: str) -> str:
    return TITLES.get(name, name)


def _settings(values: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f'<tr><th scope="row">{escape(str(name))}</th><td>{_value(str(name), value)}</td></tr>'
        for name, value in values.items()
    )
    return f'<div class="wide"><table>\n{rows}\n</table></div>'


def _value(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return "<br>".join(f"{escape(str(n))}: {_value(str(n), v)}" for n, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_value("", each) for each in value)
    if name == "seconds" and isinstance(value, int | float):
        return escape(_duration(value))
    if value is None:
        return "none"
    return escape(str(value))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    words = [f"{hours} h"] if hours else []
    words += [f"{minutes} min"] if minutes or hours else []
    return " ".join([*words, f"{rest} s"])
