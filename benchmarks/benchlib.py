# SPDX-License-Identifier: MIT
"""What the benchmarks share: the tools, the machine's description, interleaved rounds, medians."""
import argparse
import csv
import os
import pathlib
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def fail(text):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {text}")


def count(text):
    """The type of an option that says how often, or how long."""
    n = int(text)
    if n < 1:
        raise argparse.ArgumentTypeError(f"{n}: at least 1")
    return n


def run(*cmd, env=None, **more):
    """The completed process; ends everything when the command fails."""
    cmd = [str(c) for c in cmd]
    try:
        r = subprocess.run(cmd, env=env, capture_output=True, text=True, **more)
    except FileNotFoundError:
        fail(f"there is no {cmd[0]}: " + ("the whole build makes it, cmake --build build" if "/" in cmd[0]
                                          else "bash scripts/packages bench installs what is missing"))
    if r.returncode:
        fail(f"{' '.join(cmd)}: exit {r.returncode}\n{r.stderr}")
    return r


class Place:
    """A build, and a folder with maps of its own that vanishes with the `with` block."""

    def __init__(self, build):
        self.build = build.resolve()
        self.bin = self.build / "bin"
        self.bench = self.build / "benchmarks"

    def __enter__(self):
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="bpftime-bench-"))
        self.maps = self.tmp / "maps"
        self.env = dict(os.environ, BPFTIME_DIR=str(self.maps))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.tmp, ignore_errors=True)

    def tool(self, name, *args):
        return run(self.bin / name, *args, env=self.env).stdout

    def fresh_maps(self):
        shutil.rmtree(self.maps, ignore_errors=True)


def options(doc, rounds, **more):
    """The parser that every benchmark starts from."""
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    p.add_argument("--rounds", type=count, default=rounds)
    p.add_argument("--csv", type=pathlib.Path, help="write every measurement there")
    for name, kw in more.items():
        p.add_argument("--" + name.replace("_", "-"), **kw)
    return p


def interleave(rounds, sides, measure):
    """[{side: measure(side)}] of every round; the order within a round changes."""
    result = []
    for i in range(rounds):
        order = list(sides)
        random.Random(i).shuffle(order)
        result.append({side: measure(side) for side in order})
        if sys.stderr.isatty():
            print(f"\rround {i + 1} of {rounds} ", end="\n" if i + 1 == rounds else "", file=sys.stderr)
    return result


def write_csv(path, header, rows):
    if path:
        with open(path, "w", newline="") as f:
            csv.writer(f).writerows([header, *rows])


def percentile(values, p):
    v = sorted(values)
    return v[min(len(v) - 1, max(0, round(p * (len(v) - 1))))]


def spread(values, form=".2f"):
    """'median (10th..90th percentile)'"""
    return (f"{statistics.median(values):{form}} "
            f"({percentile(values, 0.1):{form}}..{percentile(values, 0.9):{form}})")


def median_bounds(values, draws=4000):
    """The 95 % interval of the median, by drawing rounds again (bootstrap; always the same draws)."""
    rnd = random.Random(1)
    medians = [statistics.median(rnd.choices(values, k=len(values))) for _ in range(draws)]
    return percentile(medians, 0.025), percentile(medians, 0.975)


def print_columns(rows):
    """The first column to the left, numbers to the right, each as wide as it must be."""
    width = [max(map(len, column)) for column in zip(*rows)]
    for first, *rest in rows:
        print("  " + "  ".join([first.ljust(width[0])] +
                               [c.rjust(w) for c, w in zip(rest, width[1:])]).rstrip())


def first_line(*cmd):
    try:
        r = subprocess.run(cmd, capture_output=True, text=True, cwd=ROOT)
        return ((r.stdout or r.stderr).splitlines() or ["unknown"])[0].strip()
    except OSError:
        return "not installed"


def machine(build):
    model = "unknown CPU"
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return [
        f"machine   {model}, {os.cpu_count()} CPUs, {platform.machine()}",
        f"kernel    {platform.release()}",
        f"compiler  {first_line('clang-19', '--version')}",
        f"ours      {first_line(str(build / 'bin/bpftime-aot'), '--version')}, "
        f"commit {first_line('git', 'rev-parse', '--short', 'HEAD')}",
    ]
