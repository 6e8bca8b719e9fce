"""
Run every benchmark, one process each, and gather their figures in one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from figures import shown

HERE = Path(__file__).parent
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def machine() -> dict[str, object]:
    """
    Return what the figures were measured on.
    """
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        found = [line for line in cpus.read_text().splitlines() if line.startswith("model name")]
        model = found[0].partition(":")[2].strip() if found else model
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load_before": load,
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def table(document: dict) -> str:
    """
    Return the figures as Markdown, for the README.
    """
    found = document["machine"]
    lines = [
        (
            f"{document['at'][:10]}, {found['cores']} cores of {found['cpu']}, {found['python']}, {found['system']};"
            f" load average when it began: {found['load_before']:.1f}."
        ),
        "",
        "| figure | median | best run | target | reached |",
        "|---|---|---|---|---|",
    ]
    for figures in document["figures"].values():
        for one in figures:
            goal = "" if one["target"] is None else shown(one["target"])
            reached = {True: "yes", False: "no", None: ""}[one["reached"]]
            note = f" ({one['note']})" if one["note"] else ""
            value = f"{shown(one['value'])} {one['unit']}".strip()
            lines.append(f"| {one['name']}{note} | {value} | {shown(one['best'])} | {goal} | {reached} |")
    return "\n".join(lines)


def write_readme(document: dict) -> None:
    """
    Put the figures between the README's marks.
    """
    readme = HERE / "README.md"
    head, _, rest = readme.read_text().partition(BEGIN)
    readme.write_text(f"{head}{BEGIN}\n{table(document)}\n{END}{rest.partition(END)[2]}")


def main() -> int:
    """
    Return how many scripts failed.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--readme", action="store_true", help="write all figures into the README")
    parser.add_argument("--long", action="store_true", help="also what takes many minutes")
    parser.add_argument("--runs", type=int, default=5, help="runs whose median counts")
    parser.add_argument("only", nargs="*", help="names such as orders or marks; all when left out")
    given = parser.parse_args()
    document = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "figures": {}}
    failed = 0
    scripts = [
        path for path in sorted(HERE.glob("bench_*.py")) if not given.only or path.stem[6:] in given.only
    ]
    with tempfile.TemporaryDirectory() as folder:
        for script in scripts:
            print(f"== {script.stem[6:]}", flush=True)
            out = Path(folder) / script.stem
            command = [sys.executable, str(script), "--json", str(out), "--runs", str(given.runs)]
            done = subprocess.run([*command, *(["--long"] if given.long else [])], check=False)
            failed += done.returncode != 0
            if out.exists():
                document["figures"][script.stem[6:]] = json.loads(out.read_text())
    if given.readme:
        write_readme(document)
    if given.json is not None:
        given.json.write_text(json.dumps(document, indent=1) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
