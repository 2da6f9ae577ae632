"""How long ``gputui get instances -o json`` takes, compared with a script that makes the same requests with httpx.

Both run as fresh processes against one frozen simulator, in turns; medians of wall time are compared.
Exits with 1 when the ratio is missed or when both do not find the same instances.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from benchmarks.measure import options

LIMIT = 1.5

BARE = """
import asyncio, json, sys
import httpx

async def account(url, user, password):
    async with httpx.AsyncClient(base_url=url, auth=(user, password)) as client:
        (await client.get("/version")).raise_for_status()
        names = (await client.get("/pod/list")).json()
        pods = await asyncio.gather(*(client.get("/pod/inspect", params={"ins": name}) for name in names))
        return [pod.json() for pod in pods]

async def main():
    accounts = json.loads(sys.stdin.read())
    print(json.dumps(sum(await asyncio.gather(*(account(*one) for one in accounts)), [])))

asyncio.run(main())
"""


def timed(argv: list[str], env: dict[str, str], stdin: str = "") -> tuple[float, int]:
    """Run a process and return its wall time in seconds and how many rows it printed."""
    begun = time.perf_counter()
    done = subprocess.run(argv, env=env, input=stdin, capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, len(json.loads(done.stdout))


def measure(config: Path, rounds: int, warm_ups: int) -> float:
    """Print both medians and return their ratio; the first turns fill the caches of the file system."""
    env = {**os.environ, "GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(config.parent / "state")}
    accounts = tomllib.loads(config.read_text())["accounts"].values()
    stdin = json.dumps([[entry["base_url"], entry["username"], entry["password"]] for entry in accounts])
    contenders = {
        "gputui": ([sys.executable, "-m", "gputui", "get", "instances", "-o", "json"], ""),
        "bare httpx": ([sys.executable, "-c", BARE], stdin),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    rows: set[int] = set()
    for turn in range(-warm_ups, rounds):
        for name in random.sample(list(contenders), len(contenders)):
            argv, given = contenders[name]
            seconds, count = timed(argv, env, given)
            rows.add(count)
            if turn >= 0:
                times[name].append(seconds)
    if len(rows) != 1 or rows == {0}:
        sys.exit(f"the two do not find the same instances: {rows}")
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratio = medians["gputui"] / medians["bare httpx"]
    for name, median in medians.items():
        print(f"{name:<12} {median * 1000:7.1f} ms  (median of {rounds}, {min(rows)} instances)")
    print(f"ratio        {ratio:7.2f}     (limit {LIMIT})")
    return ratio


def main() -> int:
    """Start a frozen simulator, measure, end it."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    args = parser.parse_args()
    warm_ups = 1
    if args.tiny:
        args.rounds, warm_ups = 1, 0
    with (
        tempfile.TemporaryDirectory() as directory,
        subprocess.Popen(
            [sys.executable, "-m", "gputui", "sim", "--port", "0", "--speed", "0", "--clouds", "none"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as simulator,
    ):
        assert simulator.stdout is not None
        assert simulator.stderr is not None
        try:
            said = simulator.stderr.readline()
            if "runs until" not in said:
                sys.exit(f"the simulator did not start: {said}")
            os.set_blocking(simulator.stdout.fileno(), False)
            config = Path(directory) / "config.toml"
            config.touch(mode=0o600)
            sections = os.read(simulator.stdout.fileno(), 1 << 20).decode().split("[accounts.")
            config.write_text("".join(f"[accounts.{text}" for text in sections if 'kind = "pody"' in text))
            ratio = measure(config, args.rounds, warm_ups)
            return 1 if ratio > LIMIT and not args.tiny else 0
        finally:
            simulator.terminate()


if __name__ == "__main__":
    sys.exit(main())
