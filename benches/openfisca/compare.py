#!/usr/bin/env python3
"""Replays the national rule of 2016 beside OpenFisca-Core on the same panel, in turns on the same machine.

    benches/openfisca/compare.py

Two panels: the 31 provinces from 2016-05 to 2023-11, and every area with an index from 2010-01 to 2026-08.
Figures and standards are those shipped; what the law or the record lacks is made up and written into a
folder for `--data`: a standard for each January where none is recorded, an SCPI equal to the CPI, base by
residence, half up to the fen. Stops when a decision differs, or a sum of the exact form; prints the medians
with the ratios. Needs Python 3.11 or newer and fetches OpenFisca-Core from PyPI unless `--python` has it.
"""

import argparse
import csv
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPO / "target"))
DOCUMENT = "nation-2016"
MISSING = -10_000
GROUPS = ["special_care", "special_hardship", "subsistence_allowance", "unemployment_insurance"]
CELLS = [(group, residence) for group in GROUPS for residence in ["urban", "rural"]]
FIRST, LAST = "2010-01", "2026-08"
ASSUMED = """id = "bench-made-up"
kind = "assumption"
title_zh = "比较用的假设"
title_en = "Assumptions of a comparison"
jurisdiction = "000000"
index_months = { from = "2010-01" }
author = "benches/openfisca"
date = "2026-11-25"
reason = "Made up to compare two programs; says nothing about any place."
sources = ["none: made up"]
confidence = "H"
clause = "made up"

[amount.steps.rate]
base = [ { residence = "urban", value = "dibao_urban" }, { residence = "rural", value = "dibao_rural" } ]

[amount.steps.round]
to = "fen"
mode = "half_up"
"""


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def whole(text, places):
    """A decimal as a whole number of its last place, exactly."""
    sign, digits, after = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?", text).groups()
    after = (after or "").rstrip("0").ljust(places, "0")
    if len(after) > places:
        sys.exit(f"{text}: more than {places} places")
    return int(sign + digits + after)


def months_between(first, last):
    year, month = map(int, first.split("-"))
    while (text := f"{year}-{month:02}") <= last:
        yield text
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def figures_shipped():
    found = {}
    for path in sorted((REPO / "data" / "indices").glob("*.csv")):
        for row in rows(path):
            if row["series"] in ["cpi", "food"]:
                found[row["area_code"], row["series"], row["month"]] = whole(row["yoy_pct"], 1)
    return found


def made_up(folder, areas, figures):
    """Writes the folder for `--data`; gives every standard, shipped or made up, in fen."""
    shipped = rows(REPO / "data" / "standards" / "standards.csv")
    standards = {
        (row["area_code"], row["standard"], row["valid_from"]): whole(row["yuan_per_month"], 2)
        for row in shipped
    }
    for part in ["instruments", "indices", "standards"]:
        (folder / part).mkdir(parents=True)
    (folder / "instruments" / "assumption.toml").write_text(ASSUMED, encoding="utf-8")
    with open(folder / "standards" / "made-up.csv", "w", encoding="utf-8") as file:
        file.write("area_code,standard,valid_from,yuan_per_month,headcount,source\n")
        for at, area in enumerate(areas):
            for year in range(int(FIRST[:4]), int(LAST[:4]) + 1):
                for standard, start, step in [("dibao_urban", 23_050, 3_715), ("dibao_rural", 12_025, 2_930)]:
                    key = (area, standard, f"{year}-01")
                    if key not in standards:
                        fen = start + at * 450 + (year - 2010) * step
                        standards[key] = fen
                        yuan = f"{fen // 100}.{fen % 100:02}"
                        file.write(f"{area},{standard},{key[2]},{yuan},,made up for a comparison\n")
    with open(folder / "indices" / "made-up.csv", "w", encoding="utf-8") as file:
        file.write("month,area_code,series,yoy_pct,released_on,source\n")
        for (area, series, month), tenths in figures.items():
            if series == "cpi":
                file.write(f"{month},{area},scpi,{tenths / 10:.1f},,the CPI again: made up for a comparison\n")
    return standards


def panel_of(areas, months, figures, standards):
    inputs = {"cpi": {}, "food": {}, "scpi": {}, "dibao_urban": {}, "dibao_rural": {}}
    for area in areas:
        for series, source in [("cpi", "cpi"), ("food", "food"), ("scpi", "cpi")]:
            inputs[series][area] = {month: figures.get((area, source, month), MISSING) for month in months}
        for standard in ["dibao_urban", "dibao_rural"]:
            own = [(since, fen) for (of, code, since), fen in standards.items() if (of, code) == (area, standard)]
            dated = sorted(own)
            holds = lambda month: [fen for since, fen in dated if since <= month][-1]
            inputs[standard][area] = {month: holds(month) for month in months}
    return {"areas": areas, "months": months, "cells": CELLS, "inputs": inputs}


def measured(command, out):
    """Wall seconds, processor seconds, peak MiB."""
    with open(out, "w") as stdout, open(f"{out}.err", "w") as stderr:
        started = time.monotonic()
        child = subprocess.Popen([str(part) for part in command], stdout=stdout, stderr=stderr)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]}: exit {child.returncode}\n{Path(f'{out}.err').read_text()}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def replay(folder, panel):
    asked = [part for area in panel["areas"] for part in ["--area", area]]
    span = ["--from", panel["months"][0], "--until", panel["months"][-1], "--format", "csv"]
    program = [TARGET / "release" / "price-linkage", "--data", folder, "replay"]
    return [*program, "--law-document", DOCUMENT, *asked, *span]


def decided(path):
    return {(row["area_code"], row["index_month"]): row["triggered"] for row in rows(path)}


def sums(path):
    keys = ["area_code", "index_month", "group", "residence"]
    return {tuple(row[key] for key in keys): row["subsidy_yuan"] for row in rows(path)}


def agreed(panel, ours, theirs, form):
    """Compares every month and sum; gives the counts, and the sums that differ."""
    states, amounts = ours
    count = {"yes": 0, "no": 0, "undecidable": 0}
    total, other, compared = 0, [], 0
    for month in panel["months"]:
        fen = iter(theirs["fen"][month])
        for area, yes, unknown in zip(panel["areas"], theirs["triggered"][month], theirs["undecidable"][month]):
            found = "yes" if yes else "undecidable" if unknown else "no"
            count[found] += 1
            if states[area, month] != found:
                sys.exit(f"{area} {month}: {states[area, month]} here, {found} by OpenFisca")
            for group, residence in CELLS:
                said, own = next(fen), amounts[area, month, group, residence]
                if (own == "") != (found == "undecidable"):
                    sys.exit(f"{area} {month} {group} {residence}: {found}, but the sum is {own!r}")
                mine = whole(own or "0", 2)
                compared, total = compared + 1, total + mine
                if mine != said:
                    other.append((area, month, group, residence, mine, said))
    if len(amounts) != compared:
        sys.exit(f"{len(amounts)} sums here, {compared} by OpenFisca")
    if form == "whole" and other:
        sys.exit(f"{len(other)} sums differ, the first: {other[0]}")
    return count, compared, total, other


def in_process(folder, panel):
    """The seconds of the panel, and of one area and month by itself, without start and output."""
    out = folder.parent / "in-process"
    asked = [folder, DOCUMENT, panel["months"][0], panel["months"][-1], *panel["areas"]]
    cargo = ["cargo", "bench", "--quiet", "--bench", "openfisca", "--", *map(str, asked)]
    text = subprocess.run(cargo, cwd=REPO, check=True, text=True, stdout=subprocess.PIPE).stdout
    out.write_text(text)
    return json.loads(text.strip().splitlines()[-1])


def shown(name, panel, folder, python, rounds):
    path = folder.parent / "panel.json"
    path.write_text(json.dumps(panel))
    out = folder.parent / "out"
    measured(replay(folder, panel), out)
    states = decided(out)
    commands = {
        "price-linkage": [*replay(folder, panel), "--amounts"],
        "OpenFisca whole": [python, HERE / "model.py", path, "whole"],
        "OpenFisca float": [python, HERE / "model.py", path, "float"],
    }
    processes, stages, amounts = {key: [] for key in commands}, {}, None
    for at in range(rounds):
        for key, command in commands.items():
            processes[key].append(measured(command, out))
            if key == "price-linkage":
                amounts = amounts or sums(out)
                continue
            theirs = json.loads(out.read_text())
            stages.setdefault(key, []).append(theirs["seconds"])
            if at == 0:
                count, compared, total, other = agreed(panel, (states, amounts), theirs, key.split()[1])
                if key == "OpenFisca whole":
                    print(f"\n{name}: {len(panel['areas'])} areas x {len(panel['months'])} months: {count['yes']} "
                          f"triggered, {count['no']} not, {count['undecidable']} undecidable; {compared} sums, "
                          f"{total // 100}.{total % 100:02} yuan: the same from both")
                else:
                    off = max((abs(mine - said) for *_, mine, said in other), default=0)
                    print(f"in 32-bit floats {len(other)} sums differ, by at most {off} fen; "
                          f"in all by {sum(said - mine for *_, mine, said in other)} fen")
                    for one in other[:3]:
                        print("  {} {} {} {}: {} fen, in floats {}".format(*one))
    for key, command in commands.items():
        if key != "price-linkage":
            measured([*command, "more"], out)
            more = json.loads(out.read_text())
            stages[key] = [seconds | more for seconds in stages[key]]
    table(processes, stages, in_process(folder, panel))


def table(processes, stages, own):
    median = {key: [statistics.median(unit) for unit in zip(*runs)] for key, runs in processes.items()}
    ours = median["price-linkage"]
    print("{:<34} {:>10} {:>10} {:>10}".format("", "wall s", "CPU s", "peak MiB"))
    for key, found in median.items():
        print("{:<34} {:>10.3f} {:>10.3f} {:>10.1f}".format(f"process, {key}", *found))
    for key in stages:
        ratios = [f"{theirs / mine:.1f} x" for theirs, mine in zip(median[key], ours)]
        print("{:<34} {:>10} {:>10} {:>10}".format(f"  {key} to price-linkage", *ratios))
    columns = "{:<34} {:>10} {:>10} {:>10} {:>10}"
    print(columns.format("in one process", "import ms", "inputs ms", "compute ms", "traced ms"))
    ms = {key: f"{seconds * 1e3:.3f}" for key, seconds in own.items()}
    print(columns.format("price-linkage", "", ms["load"], "", ms["panel"]))
    for key, runs in stages.items():
        of = {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}
        wanted = ["import", "input", "compute", "traced"]
        print(columns.format(key, *(f"{of[stage] * 1e3:.3f}" for stage in wanted)))
        ratios = [f"{of[stage] / own['panel']:.2f} x" for stage in ["compute", "traced"]]
        print(columns.format(f"  {key} to price-linkage", "", "", *ratios))
        print(f"  one area and month: {of['one'] * 1e3:.3f} ms; price-linkage {ms['kept']} ms with the history "
              f"kept ({of['one'] / own['kept']:.1f} x), {ms['one']} ms without ({of['one'] / own['one']:.2f} x)")
    print(end="", flush=True)


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--python", type=Path, help="a Python that has OpenFisca-Core, instead of fetching it")
    asked.add_argument("--rounds", type=int, default=5, help="of which the median is taken")
    asked = asked.parse_args()
    figures = figures_shipped()
    every = sorted({area for area, _, _ in figures})
    provinces = [area for area in every if area.endswith("0000") and area != "000000"]
    with tempfile.TemporaryDirectory() as temporary:
        python = asked.python
        if python is None:
            venv.create(f"{temporary}/venv", with_pip=True)
            python = Path(temporary) / "venv" / "bin" / "python"
            pip = [python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
            subprocess.run(pip, check=True)
        subprocess.run(["cargo", "build", "--quiet", "--release"], cwd=REPO, check=True)
        names = "from importlib.metadata import version as of; print(*(f'{it} {of(it)}' for it in ['openfisca-core', 'numpy']))"
        subprocess.run([python, "-c", names], check=True)
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, medians of {asked.rounds}")
        folder = Path(temporary) / "data"
        standards = made_up(folder, every, figures)
        for name, areas, first, last in [
            ("provinces", provinces, "2016-05", "2023-11"),
            ("every area with an index", every, FIRST, LAST),
        ]:
            panel = panel_of(areas, list(months_between(first, last)), figures, standards)
            shown(name, panel, folder, python, asked.rounds)


if __name__ == "__main__":
    main()
