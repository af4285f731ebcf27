#!/usr/bin/env python3
"""Runs every mutant of `cargo mutants --list` against the tests that reach it, with one build for all.

    tests/mutants/run.py [--only TEXT] [--jobs N] [--tests lib,budget,...]

Needs `cargo install cargo-mutants`. Works in target/mutants on a copy of the checkout and goes on where
it was stopped; delete that folder to start over. `--only` takes the mutants whose name contains TEXT.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "target/mutants"
COPY = WORK / "copy"
TESTS = ("lib alike api budget cases derivations edges golden guide held history law_known lint notices "
         "oracle reading replay runs sheets web words")
NOBODY = "999999"  # no mutant has this number
MEMORY = 4 << 30  # bytes a mutant may take before it counts as noticed

SWITCH = """
use std::{collections::BTreeSet, io::Write, sync::{LazyLock, Mutex}};
static ACTIVE: LazyLock<u32> = LazyLock::new(|| {
    std::env::var("MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(0)
});
static REACHED: LazyLock<Option<Mutex<(std::fs::File, BTreeSet<u32>)>>> = LazyLock::new(|| {
    let path = std::env::var("MUTANTS_REACHED").ok()?;
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    Some(Mutex::new((file, BTreeSet::new())))
});
pub fn at(function: u32) -> u32 {
    if let Some(reached) = &*REACHED {
        let mut reached = reached.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if reached.1.insert(function) {
            reached.0.write_all(format!("{function}\\n").as_bytes()).unwrap();
        }
    }
    *ACTIVE
}
"""


def kept(name, make):
    """What is in a file of the work folder, or else what `make` gives, which is put there."""
    path = WORK / name
    if not path.exists():
        save(name, make())
    return json.loads(path.read_text())


def save(name, value):
    (WORK / "new").write_text(json.dumps(value))
    os.replace(WORK / "new", WORK / name)


def listed():
    command = ["cargo", "mutants", "--list", "--json", "--diff"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)


def patched(text, diff):
    """A file with a unified diff applied to it."""
    lines, diff, out, at, i = text.split("\n"), diff.split("\n"), [], 0, 2
    while i < len(diff):
        hunk = re.match(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@", diff[i])
        i += 1
        if not hunk:
            continue
        start, old, new = int(hunk[1]) - 1, int(hunk[2] or 1), int(hunk[3] or 1)
        out += lines[at:start]
        at = start
        while old > 0 or new > 0:
            sign, line = diff[i][:1], diff[i][1:]
            i += 1
            if sign == "\\":
                continue
            if sign != "+":
                assert lines[at] == line, (lines[at], line)
                at, old = at + 1, old - 1
            if sign != "-":
                out.append(line)
                new -= 1
    return "\n".join(out + lines[at:])


def body_of(text, start):
    """Where the body of the function that starts here begins."""
    at, depth = text.index("fn ", start), 0
    while text[at] != "{" or depth:
        if text.startswith("//", at):
            at = text.index("\n", at)
        depth += (text[at] in "([") - (text[at] in ")]")
        at += 1
    return at


class Written:
    """One file in which every mutated function asks which mutant is active."""

    def __init__(self, text, mutants, dropped):
        self.text, self.out, self.lines = text, "", []
        starts = [0] + [found.end() for found in re.finditer("\n", text)]
        place = lambda point: starts[point["line"] - 1] + point["column"] - 1
        spans = collections.defaultdict(list)
        for number, one in mutants:
            span = one["function"]["span"]
            spans[place(span["start"]), place(span["end"])].append((number, one))
        functions = []
        for (start, end), ones in spans.items():
            body = body_of(text, start)
            arms = []
            for number, one in ones:
                if number not in dropped:
                    whole = patched(text, one["diff"])
                    arm = whole[body:len(whole) - (len(text) - end)]
                    arms.append((number, arm.replace(" /* ~ changed by cargo-mutants ~ */", "")))
            if arms:
                opaque = re.search(r"->\s*impl (.*?)\s*$", text[start:body], re.S)
                functions.append((body, end, ones[0][0], opaque and opaque[1], arms))
        functions.sort(key=lambda one: (one[0], -one[1]))
        outer, self.inner = [], collections.defaultdict(list)
        for one in functions:
            if outer and one[0] < outer[-1][1]:
                self.inner[outer[-1][0]].append(one)
            else:
                outer.append(one)
        self.put(outer, 0, len(text))

    def put(self, functions, at, end):
        for body, stop, number, opaque, arms in functions:
            self.out += self.text[at:body] + "{ match crate::mutants::at(%d) {\n" % number
            before, after = "", ""
            if opaque:
                kind = re.sub(r"\s*,\s*$", "", opaque).split(" + ")[0]
                before, after = "{ let boxed: Box<dyn %s + '_> = Box::new(" % kind, "); boxed }"
            for arm, changed in arms:
                self.out += "%d => {\n" % arm
                first = self.out.count("\n")
                self.out += before + changed + after + "\n}\n"
                self.lines.append((first, self.out.count("\n"), arm))
            self.out += "_ => " + before
            if body in self.inner:
                self.put(self.inner[body], body, stop)
            else:
                self.out += self.text[body:stop]
            self.out += after + "\n} }"
            at = stop
        self.out += self.text[at:end]


def write(mutants, dropped):
    """Writes the copy; gives by file where each mutant stands."""
    by_file = collections.defaultdict(list)
    for number, one in mutants:
        by_file[one["file"]].append((number, one))
    places = {}
    for file, ones in by_file.items():
        found = Written((ROOT / file).read_text(), ones, dropped)
        (COPY / file).write_text(found.out)
        places[file] = found.lines
    return places


def cargo(*arguments):
    command = ["cargo", *arguments, "--message-format=json"]
    out = subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def lines_of(span):
    inner = span["expansion"]
    return [(span["file_name"], span["line_start"])] + (lines_of(inner["span"]) if inner else [])


def copied(mutants):
    """Makes the copy; gives the mutants that do not compile."""
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    for file in filter(None, files.stdout.split("\0")):
        (COPY / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, COPY / file)
    manifest = (COPY / "Cargo.toml").read_text()
    manifest = re.sub(r"\[lints\.\w+\]\n(?:[^\[\n].*\n)*", "", manifest)
    (COPY / "Cargo.toml").write_text(manifest + "\n[workspace]\n")
    library = re.sub(r"#!\[(?:forbid|deny)\(.*?\)\]\n", "", (COPY / "src/lib.rs").read_text())
    library = re.sub(r"^(?!//!)", "#![allow(warnings)]\n#[doc(hidden)]\npub mod mutants;\n", library,
                     count=1, flags=re.M)
    (COPY / "src/lib.rs").write_text(library)
    (COPY / "src/mutants.rs").write_text(SWITCH)
    dropped = set()
    while True:
        places, wrong, other = write(mutants, dropped), set(), []
        for message in cargo("check", "--lib"):
            said = message.get("message")
            if message["reason"] != "compiler-message" or said["level"] != "error":
                continue
            lines = [line for span in said["spans"] if span["is_primary"] for line in lines_of(span)]
            found = {number for file, at in lines for first, last, number in places.get(file, [])
                     if first < at <= last}
            wrong |= found
            if not found and lines:
                other.append(said["rendered"])
        print(len(wrong), "more do not compile", flush=True)
        if not wrong:
            assert not other, "\n".join(other)
            return sorted(dropped)
        dropped |= wrong


def built(names):
    """The tests' programs by name."""
    flags = [flag for name in names for flag in (["--lib"] if name == "lib" else ["--test", name])]
    programs = {}
    for message in cargo("test", "--no-run", *flags):
        if message["reason"] == "compiler-artifact" and message["profile"]["test"]:
            kind, name = message["target"]["kind"], message["target"]["name"]
            programs["lib" if "lib" in kind else name] = message["executable"]
    assert set(names) <= set(programs), "the tests do not compile"
    return {name: programs[name] for name in names}


def run(program, tests, limit, **environment):
    """Whether they pass, and what they said; none for one that does not end."""
    bound = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    process = subprocess.Popen(
        [program, "--exact", *tests, "--test-threads=1"], cwd=COPY, text=True, start_new_session=True,
        env={**os.environ, "CARGO_MANIFEST_DIR": str(COPY), **environment}, preexec_fn=bound,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        out, _ = process.communicate(timeout=limit)
        return process.returncode == 0, out
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def reached(programs, jobs):
    """What each test reaches and how long it takes, run alone; it must pass with no mutant active."""
    def one(name, test):
        file, start = WORK / f"reached.{name}.{test.replace('::', '.')}", time.time()
        passes, said = run(programs[name], [test], 600, MUTANT=NOBODY, MUTANTS_REACHED=str(file))
        assert passes, f"{name} {test} fails without a mutant\n{said[-2000:]}"
        functions = sorted({int(line) for line in file.read_text().split()}) if file.exists() else []
        file.unlink(missing_ok=True)
        return name, test, time.time() - start, functions

    def tests(program):
        command = [program, "--list", "--format", "terse"]
        out = subprocess.run(command, cwd=COPY, capture_output=True, text=True, check=True).stdout
        return [line[:-6] for line in out.splitlines() if line.endswith(": test")]

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        wanted = [pool.submit(one, name, test) for name in programs for test in tests(programs[name])]
        return [one.result() for one in wanted]


def judged(number, candidates, programs, killers):
    """The first test that notices a mutant, those that noticed its neighbours and the quick ones first."""
    if not candidates:
        return "not reached"
    endless = None
    for name, test, seconds in sorted(candidates, key=lambda one: (-killers[one[:2]], one[2])):
        passes, _ = run(programs[name], [test], 60 + 10 * seconds, MUTANT=str(number))
        if passes is False:
            killers[name, test] += 1
            return f"caught by {name} {test}"
        if passes is None:
            endless = f"does not end in {name} {test}"
            break
    return endless or "missed"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--tests", default=",".join(TESTS.split()))
    asked = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    every = list(enumerate(kept("list.json", listed), 1))
    mutants = [(number, one) for number, one in every if one["function"]]
    wanted = {number for number, one in every if asked.only in one["name"]}
    dropped = set(kept("dropped.json", lambda: copied(mutants)))
    programs = built(asked.tests.split(","))
    reach = collections.defaultdict(list)
    for name, test, seconds, functions in kept("reach.json", lambda: reached(programs, asked.jobs)):
        for function in functions:
            reach[function].append((name, test, seconds))
    results, lock = kept("results.json", dict), threading.Lock()
    functions = collections.defaultdict(list)
    for number, one in mutants:
        functions[one["file"], str(one["function"]["span"])].append(number)

    def judge(numbers):
        killers = collections.Counter()
        for number in numbers:
            if number not in wanted - dropped or str(number) in results:
                continue
            found = judged(number, reach[numbers[0]], programs, killers)
            with lock:
                results[str(number)] = found
                save("results.json", results)
                if not found.startswith("caught"):
                    print(every[number - 1][1]["name"], "-", found, flush=True)

    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        list(pool.map(judge, functions.values()))
    judgements = (found for number, found in results.items() if int(number) in wanted)
    counts = collections.Counter(re.sub(r" (by|in) \S+ \S+$", "", found) for found in judgements)
    print(f"{len(wanted)} mutants: {len(wanted & dropped)} do not compile,",
          ", ".join(f"{count} {found}" for found, count in counts.items()))
    for number in sorted(wanted - {number for number, _ in mutants}):
        print("outside any function, to be built by hand:", every[number - 1][1]["name"])


main()
