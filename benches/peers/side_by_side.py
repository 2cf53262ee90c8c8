#!/usr/bin/env python3
"""Measures orpailleur beside other tools on the same file: time, memory, matching quality.

    benches/peers/side_by_side.py RECORDS.csv TRUTH.csv --tool splink='python splink_dedupe.py {records} --out {out}' [...]

RECORDS.csv has a column rec_id; TRUTH.csv has rec_id,entity_id. A tool is a command in which {records} and
{out} are replaced; it writes rec_id,cluster_id to {out}. orpailleur takes part by itself, to the end of
clustering and to the report. All run in turn, several times over, each as a whole process; the table has the
median of wall and CPU time, peak memory (of the largest process), and pairwise precision, recall and F1.
Times are comparable within one table only. Needs Python 3.11 and nothing else.
"""
import argparse
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path


def measured(command, log):
    """Wall seconds, CPU seconds and peak MiB of one run of a command."""
    started = time.perf_counter()
    with open(log, "w") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, shell=isinstance(command, str))
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    # orpailleur ends with 1 where pairs wait for review.
    if child.returncode not in (0, 1):
        sys.exit(f"status {child.returncode}: {command}\n{Path(log).read_text()[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def column(path, key, value):
    with open(path, newline="", encoding="utf-8") as file:
        return {row[key]: row[value] for row in csv.DictReader(file)}


def pairs(counts):
    return sum(n * (n - 1) // 2 for n in counts.values())


def quality(truth, clusters):
    """Pairwise precision, recall and F1 of clusters against the truth."""
    both = pairs(Counter((entity, clusters[record]) for record, entity in truth.items()))
    found = pairs(Counter(clusters[record] for record in truth))
    there = pairs(Counter(truth.values()))
    precision, recall = both / max(found, 1), both / max(there, 1)
    return precision, recall, 2 * both / max(found + there, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records")
    parser.add_argument("truth")
    parser.add_argument("--tool", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--orpailleur", default="target/release/orpailleur")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    truth = column(given.truth, "rec_id", "entity_id")
    folder = Path(tempfile.mkdtemp(prefix="peers-"))
    ours = [given.orpailleur, "dedupe", given.records, "--id", "rec_id", "--quiet", "--out"]
    tools = {
        "orpailleur, to clusters": (ours, ["--until", "cluster"]),
        "orpailleur, to the report": (ours, []),
    }
    tools |= dict(tool.split("=", 1) for tool in given.tool)
    times = {name: [] for name in tools}
    figures = {}
    for turn in range(given.runs):
        for at, (name, tool) in enumerate(tools.items()):
            out = folder / f"{at}-{turn}"
            if isinstance(tool, str):
                command = tool.format(records=given.records, out=out)
            else:
                command = tool[0] + [str(out)] + tool[1]
            times[name].append(measured(command, folder / "log"))
            if turn == 0 and isinstance(tool, str):
                figures[name] = quality(truth, column(out, "rec_id", "cluster_id"))
            elif turn == 0:
                figures[name] = quality(truth, column(out / "crosswalk.csv", "record_key", "golden_id"))
    print(f"{len(truth)} records, median of {given.runs}, {os.cpu_count()} cores")
    print(f"{'':<26}{'wall s':>9}{'CPU s':>9}{'MiB':>8}{'precision':>11}{'recall':>9}{'F1':>9}")
    for name, runs in times.items():
        wall, cpu, _ = (statistics.median(run[i] for run in runs) for i in range(3))
        peak = max(run[2] for run in runs)
        precision, recall, f1 = figures[name]
        print(f"{name:<26}{wall:>9.2f}{cpu:>9.2f}{peak:>8.0f}{precision:>11.4f}{recall:>9.4f}{f1:>9.4f}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
