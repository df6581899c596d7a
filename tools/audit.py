"""What is known against the packages that sklearn_reasoning needs at run time.

For each package of an environment: its licence, whether its release was withdrawn (yanked) and
which vulnerabilities are published, asked of pip and of pip-audit. pip-audit takes silence for
good news: where its service answers nothing it says "No known vulnerabilities found" and exits
with 0. So the service is asked first about a release that is known to be vulnerable, and only one
that knows it is believed.

Run: python tools/audit.py ENVIRONMENT [--service pypi|osv]

Exit status: 0 every package was answered for and none has anything against it; 1 a package is
vulnerable or withdrawn; 3 nothing was found, but not every question was answered.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution, distributions
from pathlib import Path

OURS = "sklearn-reasoning"
CLEAN, FOUND, NO_ANSWER = 0, 1, 3
# CVE-2022-40897, published in 2022: any service that works knows it.
KNOWN_VULNERABLE = "setuptools==65.5.0"


def licence_of(distribution: Distribution) -> str:
    """Return the licence that a package's metadata states, in the newest form it uses."""
    metadata = distribution.metadata
    if metadata.get("License-Expression"):
        return metadata["License-Expression"]
    classifiers = metadata.get_all("Classifier") or []
    names = [c.rsplit(" :: ", 1)[1] for c in classifiers if c.startswith("License :: ")]
    stated = (metadata.get("License") or "").strip().split("\n")[0]
    return " and ".join(names) or stated or "not stated"


def withdrawn(pins: list[str]) -> dict[str, bool]:
    """Ask pip, for each pinned release that an index offers, whether it was yanked there."""
    answers = {}
    for pin in pins:
        command = ["-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        result = subprocess.run(
            [sys.executable, *command, "--no-deps", "--report", "-", pin],
            capture_output=True,
            text=True,
        )
        if result.returncode == 0:
            (item,) = json.loads(result.stdout)["install"]
            # A file in a local folder has no index to say anything about it.
            if not item["download_info"]["url"].startswith("file:"):
                answers[pin] = "is a yanked version" in result.stderr
    return answers


def vulnerabilities(pins: list[str], service: str) -> dict[str, list[str]]:
    """Ask pip-audit: the identifiers published against each package that the service knows."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text("\n".join(pins))
        options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
        result = subprocess.run(
            [sys.executable, "-m", "pip_audit", "-r", requirements, "-s", service, *options],
            capture_output=True,
            text=True,
        )
    if not result.stdout.strip():
        return {}
    answered = json.loads(result.stdout)["dependencies"]
    return {
        f"{entry['name']}=={entry['version']}": [vuln["id"] for vuln in entry["vulns"]]
        for entry in answered
        if "skip_reason" not in entry
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("environment", type=Path, help="a virtual environment")
    parser.add_argument("--service", choices=["pypi", "osv"], default="pypi")
    arguments = parser.parse_args()
    places = [str(path) for path in arguments.environment.glob("lib*/python3*/site-packages")]
    if not places:
        parser.error(f"{arguments.environment} is no virtual environment")
    found = {
        # A local build such as 2.13.0+cpu is the same release to a vulnerability service.
        f"{d.metadata['Name'].lower()}=={d.version.split('+')[0]}": licence_of(d)
        for d in distributions(path=places)
        if d.metadata["Name"].lower() != OURS
    }
    pins = sorted(found)
    yanked = withdrawn(pins)
    trusted = bool(vulnerabilities([KNOWN_VULNERABLE], arguments.service).get(KNOWN_VULNERABLE))
    published = vulnerabilities(pins, arguments.service) if trusted else {}

    print("| package | licence | withdrawn | published vulnerabilities |")
    print("|---|---|---|---|")
    for pin in pins:
        gone = {True: "YES", False: "no", None: "no answer"}[yanked.get(pin)]
        known = ", ".join(published[pin]) or "none" if pin in published else "no answer"
        print(f"| {pin} | {found[pin]} | {gone} | {known} |")
    if not trusted:
        print(
            f"\nThe vulnerability service ({arguments.service}) does not report a release that is "
            f"known to be vulnerable ({KNOWN_VULNERABLE}): it cannot be reached from here, or is "
            "a mirror without that data. VULNERABILITIES WERE NOT CHECKED."
        )
    if any(published.values()) or any(yanked.values()):
        return FOUND
    return CLEAN if len(published) == len(yanked) == len(pins) else NO_ANSWER


if __name__ == "__main__":
    sys.exit(main())
