#!/usr/bin/env python3
"""Runs `run roster` beside DuckDB and Polars on the same rosters, in turns on the same machine.

    benches/roster/compare.py --folder /var/tmp

For each size it generates a roster, lets each program make the payment list from CSV and from Parquet,
stops when the lists, the rejects or the totals differ by as much as a byte, and prints the medians with
the ratios to the better peer. Time is that of whole processes, start included. Needs Python 3.9 or newer
and fetches the latest DuckDB and Polars from PyPI. What it writes, about 600 bytes a row, is removed.
"""

import argparse
import csv
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PROGRAMS = ["price-linkage", "duckdb", "polars"]
UNITS = ["wall s", "CPU s", "peak MiB"]


def called(command, **given):
    return subprocess.run(command, check=True, text=True, **given)


def peers_installed(folder):
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    called([python, "-m", "pip", "install", "--quiet", "--upgrade", "duckdb", "polars"])
    names = "import duckdb, polars; print(duckdb.__version__, polars.__version__)"
    duckdb, polars = called([python, "-c", names], stdout=subprocess.PIPE).stdout.split()
    print(f"DuckDB {duckdb}, Polars {polars}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    return python


def command(program, python, folder, roster, listed, rejected):
    if program != "price-linkage":
        script = REPO / "benches" / "roster" / "peers.py"
        return [python, script, program, folder, roster, listed, rejected]
    given = ["--data", folder / "data", "run", "roster", folder / roster, "--month", "2021-04"]
    outputs = ["--as", "bench", "--list", listed, "--rejects", rejected]
    return [REPO / "target" / "release" / "price-linkage", *given, "--validate-only", *outputs]


def measured(command, said):
    """The time on the clock, the time on the processors, the most memory, in `UNITS`."""
    with open(said, "w") as out, open(f"{said}.err", "w") as err:
        started = time.monotonic()
        child = subprocess.Popen([str(part) for part in command], stdout=out, stderr=err)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]}: exit {child.returncode}\n{Path(f'{said}.err').read_text()}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def produced(folder, listed, rejected, said):
    """The SHA-256 of the sorted lines, the rejects, the totals."""
    sort = ["sort", "--buffer-size=1G", f"--temporary-directory={folder}", listed]
    lines = subprocess.Popen(sort, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
    digest = called(["sha256sum"], stdin=lines.stdout, stdout=subprocess.PIPE).stdout.split()[0]
    if lines.wait() != 0:
        sys.exit(f"{listed}: cannot be sorted")
    with open(rejected, newline="") as file:
        rejects = sorted((int(row["row"]), row["reason"]) for row in csv.DictReader(file))
    totals = re.search(r"(\d+) lines, (\d+\.\d\d) yuan", Path(said).read_text()).groups()
    return digest, rejects, totals


def compared(folder, roster, rounds, python):
    """Runs the programs in turns; gives the medians by program."""
    listed, rejected, said = (folder / name for name in ["list.csv", "rejects.csv", "said"])
    runs = {program: [] for program in PROGRAMS}
    expected = None
    for at in range(rounds):
        for program in PROGRAMS:
            listed.unlink(missing_ok=True)
            rejected.unlink(missing_ok=True)
            run = command(program, python, folder, roster, listed, rejected)
            runs[program].append(measured(run, said))
            if at == 0:
                found = produced(folder, listed, rejected, said)
                expected = expected or found
                for name, ours, theirs in zip(["lines", "rejects", "totals"], expected, found):
                    if ours != theirs:
                        sys.exit(f"{roster}: the {name} of {PROGRAMS[0]} and {program} differ")
    (lines, yuan), rejects = expected[2], len(expected[1])
    print(f"\n{roster}: {lines} lines, {yuan} yuan, {rejects} rejects, the same from all")
    return {program: [statistics.median(unit) for unit in zip(*runs[program])] for program in PROGRAMS}


def shown(rows, roster, medians):
    columns = "{:>9} {:<15} {:<14} {:>9} {:>9} {:>9}"
    print(columns.format("rows", "roster", "program", *UNITS))
    for program, found in medians.items():
        print(columns.format(rows, roster, program, *map("{:.2f}".format, found)))
    ours, *peers = medians.values()
    ratios = [mine / min(theirs) for mine, *theirs in zip(ours, *peers)]
    print(columns.format(rows, roster, "to better peer", *map("{:.3f} x".format, ratios)), flush=True)


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("rows", nargs="*", type=int, default=[1_000_000, 10_000_000])
    asked.add_argument("--folder", default=tempfile.gettempdir(), help="where the files go meanwhile")
    asked.add_argument("--counties", type=int, default=2_800, help="over which the law is spread")
    asked.add_argument("--rounds", type=int, default=3, help="of which the median is taken")
    asked = asked.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as temporary:
        temporary = Path(temporary)
        python = peers_installed(temporary / "peers")
        for rows in asked.rows:
            folder = temporary / str(rows)
            generate = ["generate", str(rows), folder, "--counties", str(asked.counties)]
            # Builds the program as well.
            called(["cargo", "bench", "--quiet", "--bench", "roster", "--", *generate], cwd=REPO)
            for roster in ["roster.csv", "roster.parquet"]:
                shown(rows, roster, compared(folder, roster, asked.rounds, python))
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
