"""`python -m tests.fuzz --minutes N [--seed S]`: damaged messages until the time is over; findings at once.

Ends with 1 when something was found. Each finding names the seed message and the changes: `tests.fuzz.mutations.apply`
makes the payload of them again; it is also written to `.cache/fuzz/`.
"""

import argparse
import hashlib
import random
import sys
import time
import traceback

from tests.fuzz.checks import HangError, check
from tests.fuzz.corpus import ROOT, Seed, seeds
from tests.fuzz.mutations import KINDS, Op, apply

MOST_OPS = 4
REPORT_EVERY_S = 30.0


def main(arguments: list[str] | None = None) -> int:
    """Run for some minutes; 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument(
        "--seed", type=int, default=time.time_ns() & 0xFFFF_FFFF, help="the same seed, the same messages"
    )
    given = parser.parse_args(arguments)
    say(f"seed {given.seed}, {len(seeds())} messages to begin with")
    count, found = run(random.Random(given.seed), time.monotonic() + given.minutes * 60)  # noqa: S311 - to be repeated
    say(f"{count:,} messages, {found} findings (seed {given.seed})")
    return 1 if found else 0


def run(chance: random.Random, until: float) -> tuple[int, int]:
    """Try messages until then; how many there were, and how many of them broke something."""
    count, found, report_at = 0, set[str](), time.monotonic() + REPORT_EVERY_S
    while time.monotonic() < until:
        seed, ops = chance.choice(seeds()), [an_op(chance) for _ in range(chance.randint(1, MOST_OPS))]
        payload = apply(seed, ops)
        count += 1
        try:
            check(seed, payload)
        except (Exception, HangError) as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            found.add(shown(seed, ops, payload, error))
        if time.monotonic() > report_at:
            report_at += REPORT_EVERY_S
            say(f"{count:,} messages, {len(found)} findings")
    return count, len(found)


def an_op(chance: random.Random) -> Op:
    """A change; small numbers come often, since they say more."""
    numbers = [chance.randrange(8 if chance.random() < 0.5 else 65_536) for _ in range(3)]
    return Op(chance.choice(sorted(KINDS)), *numbers)


def shown(seed: Seed, ops: list[Op], payload: bytes, error: BaseException) -> str:
    """Say what was found, keep the payload, and return where it broke: the same place counts once."""
    folder = ROOT / ".cache" / "fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / hashlib.sha256(payload).hexdigest()[:16]
    file.write_bytes(payload)
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.filename}:{last.lineno}"
    say(f"\n{type(error).__name__} at {where}: {str(error)[:300]}\n  {seed.name} on {seed.topic}\n  {ops}\n  {file}")
    return where


def say(text: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
