"""The programs that measure Quire, each run for real on little of everything: they have to keep
working, and a replay has to tell right from wrong."""

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
SECONDS = 120
TEXT = "añ 漢\n\N{RIGHT SINGLE QUOTATION MARK}\N{GRINNING FACE}xyz"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What a script says, and its exit status."""
    program, *rest = map(str, arguments)
    return subprocess.run(
        [sys.executable, str(SCRIPTS / program), *rest],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def record(path: Path, trace: dict[str, Any]) -> Path:
    """A trace in a file."""
    path.write_bytes(gzip.compress(json.dumps(trace).encode()))
    return path


def typed(rng: random.Random, edits: int) -> dict[str, Any]:
    """One writer types and deletes all over a text, in every alphabet."""
    text, txns = "Once. ", []
    for _ in range(edits):
        patches = []
        for _ in range(rng.choice((1, 1, 1, 3))):
            at = rng.randint(0, len(text))
            deleted = rng.randint(0, min(3, len(text) - at)) if rng.random() < 0.4 else 0
            inserted = "".join(rng.choices(TEXT, k=rng.randint(1, 3)))
            text = text[:at] + inserted + text[at + deleted :]
            patches.append([at, deleted, inserted])
        txns.append({"patches": patches})
    return {"startContent": "Once. ", "endContent": text, "txns": txns}


def test_a_replay_of_one_writer_ends_equal_everywhere(tmp_path: Path, seed: int) -> None:
    """The text comes out in the reader, late joiners, the server, and after both kinds of stop."""
    trace = record(tmp_path / "one.json.gz", typed(random.Random(seed), 300))
    result = run("replay", trace, "--kill", "--folder", tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("yes") == 6
    assert "301 by 1" in result.stdout


def test_a_replay_of_two_writers_waits_for_what_each_edit_builds_on(tmp_path: Path) -> None:
    """Both append to their own line, having seen each other now and then; at a rate, too."""
    txns: list[dict[str, Any]] = [{"agent": 0, "parents": [], "patches": [[0, 0, "\n"]]}]
    lines, heads = [0, 0], [0, 0]
    seen = [[0, 0], [0, 0]]  # of each writer: how long it believes the lines to be
    for step in range(1, 200):
        agent = step // 7 % 2
        parents = {heads[agent], *(heads if step % 14 in (0, 7) else ())}
        if len(parents) > 1 or step == 7:
            seen[agent][1 - agent] = lines[1 - agent]
        place = seen[agent][0] if agent == 0 else seen[agent][0] + 1 + seen[agent][1]
        txns.append(
            {"agent": agent, "parents": sorted(parents), "patches": [[place, 0, "AB"[agent]]]}
        )
        lines[agent] += 1
        seen[agent][agent] += 1
        heads[agent] = step
    end = "A" * lines[0] + "\n" + "B" * lines[1]
    trace = record(tmp_path / "two.json.gz", {"endContent": end, "txns": txns})
    result = run("replay", trace, "--rate", "400", "--folder", tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "200 by 2" in result.stdout


def test_a_replay_says_when_the_text_is_wrong(tmp_path: Path) -> None:
    """Exit status 1 and a NO for each place where another text is found."""
    trace = {"startContent": "", "endContent": "b", "txns": [{"patches": [[0, 0, "a"]]}]}
    result = run("replay", record(tmp_path / "wrong.json.gz", trace), "--folder", tmp_path)
    assert result.returncode == 1
    assert "all equal  " in result.stdout and result.stdout.rstrip().endswith("NO")


@pytest.mark.parametrize("name", ["latency", "join", "store"])
def test_a_benchmark_gives_its_figures(tmp_path: Path, name: str) -> None:
    """As JSON, every run and the medians."""
    result = run("bench", name, "--quick", "--runs", "1", "--json", "--folder", tmp_path)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert name == report["benchmark"]
    assert [report["figures"]] == report["runs"]
    assert all(figure > 0 for figure in report["figures"].values())


@pytest.mark.parametrize("program", ["replay", "bench"])
def test_help_is_there(program: str) -> None:
    """Each says what it does and how it is called."""
    assert "Usage" in run(program, "--help").stdout


def test_the_past_of_a_trace_is_what_a_replay_makes_of_it(tmp_path: Path, seed: int) -> None:
    """Random moments, and the last one, are compared; a trace that ends otherwise is found out."""
    trace = typed(random.Random(seed), 300)
    result = run("past", record(tmp_path / "one.json.gz", trace), "--count", "5")
    assert result.returncode == 0, result.stderr
    assert "moments and writers equal a replay  yes" in result.stdout
    trace["endContent"] += "?"
    result = run("past", record(tmp_path / "bad.json.gz", trace), "--count", "2")
    assert result.returncode == 1
    assert "NO" in result.stdout
