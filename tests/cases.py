"""Schemathesis against a server: it reads the API's own description, and tries what that allows and
what it forbids. `attack` runs it as people do; it loads this module too, for `before_call`.

Left to chance nearly every name would be one of no document, and every moment one of none. So where
they may be anything, most requests are about what `furnished` put there.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from zlib import crc32

import schemathesis
from schemathesis.core.parameters import ParameterLocation

from collab.wire import SyncUpdate
from tests.live import QUIRE, Peer, Server, run, typed

ROOT = Path(__file__).parent.parent
KEPT, PUT_AWAY = "notes", "old-notes"  # documents; the second one comes and goes
MOMENTS = ("0", "1", "2", "5", "@Draft", "2100-01-01T00:00:00Z")
EDITS = 6

# By design: names and moments have rules that no schema can say (bytes, what there is), a new
# document has no moments, and one that was put away can be looked at, and brought back.
NOT_ASKED = "positive_data_acceptance,ensure_resource_availability,use_after_free"
SECONDS = 1800  # that a run may take


@dataclass
class Figures:
    """What came of a run; `report` is what Schemathesis says of it."""

    cases: int = 0
    accepted: int = 0  # of them, with 2xx
    failures: int = 0
    report: str = ""

    def add(self, other: "Figures") -> None:
        """Those of another run; of their reports the ones with failures."""
        self.cases += other.cases
        self.accepted += other.accepted
        self.failures += other.failures
        self.report += other.report if other.failures else ""

    def __str__(self) -> str:
        return f"{self.cases} cases, {self.accepted} accepted, {self.failures} failures"


@contextmanager
def furnished(store: Path) -> Iterator["Furnished"]:
    """A server with users, one of whom may do everything, with two documents, a few edits in each,
    and a named moment."""
    keys = store.with_suffix(".keys")
    _quire("token", "key", "--keys", str(keys))
    token = _quire("token", "new", "ann", "--name", "Ann", "--admin", "*", "--keys", str(keys))
    # Most tokens that it makes up are none, and signing in is to be tried all the same.
    options = ("--keys", str(keys), "--limit", "failed_logins=1000000")
    with Furnished(store, QUIRE, *options) as server:
        server.token = token.strip()
        run(_furnish(server))
        yield server


class Furnished(Server):
    """See `furnished`; `token` is that of the user."""

    token = ""


def _quire(*arguments: str) -> str:
    command = [sys.executable, "-m", "collab.web", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def _furnish(server: Furnished) -> None:
    for client, name in enumerate((KEPT, PUT_AWAY), 1):
        peer = await Peer.join(f"{server.url(name)}?token={server.token}")
        for clock in range(EDITS):
            await peer.say(SyncUpdate(typed(client, clock, "x")))
            await peer.hear(SyncUpdate)
        body = json.dumps({"name": "Draft", "at": "3"}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {server.token}"}
        url = server.page(f"/api/documents/{name}/versions")
        with urlopen(Request(url, body, headers)) as answer:
            assert answer.status == 201


def attack(server: Furnished, examples: int, seed: int) -> Figures:
    """The edges of every operation, and so many random requests to each, alone and in stories."""
    report = server.store.with_suffix(".cases.json")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", server.page("/api/openapi.json")),
            *("--max-examples", str(examples), "--seed", str(seed), "--exclude-checks", NOT_ASKED),
            *("--continue-on-failure", "--no-color", "--generation-database", "none"),
            *("--report", "json", "--report-json-path", str(report)),
            *("--header", f"Authorization: Bearer {server.token}"),
        ],
        cwd=server.store.parent,
        env={**os.environ, "SCHEMATHESIS_HOOKS": __name__, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert report.exists(), done.stdout + done.stderr
    told = json.loads(report.read_text())
    assert told["complete"], done.stdout
    rates = [rate for phases in told["valid_rates"].values() for rate in phases.values()]
    failures = len(told["failures"]) + len(told["errors"])
    assert bool(failures) == bool(done.returncode), done.stdout
    accepted = sum(rate["accepted"] for rate in rates)
    return Figures(told["test_cases"]["generated"], accepted, failures, done.stdout)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Has three of four requests ask about something that is there, where that changes nothing of
    whether they are right. Chosen by what they asked for, so that a seed replays a run."""
    components = case.meta.components if case.meta is not None else {}

    def free(location: ParameterLocation) -> bool:
        return location in components and components[location].mode.is_positive

    if free(ParameterLocation.PATH):
        path = case.path_parameters
        if "name" in path and _dice(path["name"]) % 4:
            comes_and_goes = case.method == "DELETE" or case.path.endswith("/undelete")
            path["name"] = PUT_AWAY if comes_and_goes else KEPT
        if "docId" in path and _dice(path["docId"]) % 4:
            path["docId"] = KEPT
        if "again" in path:
            path["again"] = path["docId"]
        for field in path.keys() & {"from", "moment"}:
            path[field] = _one_of(MOMENTS, path[field])
        if "version" in path:
            path["version"] = _one_of(("Draft",), path["version"])
    if free(ParameterLocation.BODY) and isinstance(case.body, dict):
        for field in case.body.keys() & {"to", "at"}:
            case.body[field] = _one_of(MOMENTS, case.body[field])
        for field in case.body.keys() & {"first", "last"}:
            case.body[field] = case.body[field] % EDITS + 1
    if free(ParameterLocation.QUERY):
        for field in case.query.keys() & {"first", "last", "before"}:
            case.query[field] = int(case.query[field]) % EDITS + 1


def _dice(value: object) -> int:
    return crc32(repr(value).encode())


def _one_of(choices: Sequence[str], value: object) -> object:
    """One of these, or in one case of four the value as it is."""
    dice = _dice(value)
    return choices[dice // 4 % len(choices)] if dice % 4 else value


def troubles(server: Server) -> list[str]:
    """What its log complains of, but for connections to documents that were deleted under them."""
    return [line for line in server.troubles() if "document was deleted" not in line]
