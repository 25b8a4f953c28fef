"""The run itself: phases one after another over one stack, each drained before the next, all compared at the end."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pilot.errors import PilotError
from pilot.faults import truth
from pilot.faults.kinds import BROKER_KILL, KINDS, Kind
from pilot.faults.load import make_load
from pilot.faults.monitor import Monitor
from pilot.faults.phase import Phases, Senders, make_edges, make_publishers
from pilot.faults.result import PhaseResult, Result
from pilot.faults.schedule import Occurrence, Phase, plan
from pilot.faults.stack import Services, Stack, running

SPARKPLUG_SHARE = 0.2  # of the messages
MOST_NODES = 8
FORGETFUL = "broker_restart"
FORGOTTEN = (
    "Mosquitto forgets subscriptions that it shares among workers when it restarts, and what is published until they "
    f"are back (--only {FORGETFUL} shows it)"
)


@dataclass(frozen=True)
class Options:
    """What to run. `rate` in messages a second over all devices, `values` per message, `only` names of faults."""

    minutes: float = 3.0
    workers: int = 1
    rate: float = 500.0
    devices: int = 40
    values: int = 5
    seed: int = 1
    only: tuple[str, ...] = ()
    services: Services = field(default_factory=Services)
    keep: Path | None = None  # a folder for the logs, kept
    sharing: str = "auto"  # who shares out topics among workers
    settings: dict[str, str] = field(default_factory=dict)  # more of ingest's environment

    @property
    def nodes(self) -> int:
        """Edge nodes of Sparkplug beside the devices."""
        return max(2, min(MOST_NODES, self.devices // 6))


def run(options: Options, say: Callable[[str], None]) -> Result:
    """Run the faults and compare; Ctrl-C ends it early, with what is known so far."""
    began = time.monotonic()
    with ExitStack() as exits:
        stack = exits.enter_context(
            running(
                *(options.services, options.keep),
                workers=options.workers,
                seed=options.seed,
                settings={"HAIDANG_INGEST_SHARING": options.sharing, **options.settings},
            )
        )
        kinds, left_out = possible(options.only, stack, forgets=options.sharing == "broker" and options.workers > 1)
        load = make_load(options.devices, options.values)
        native, sparkplug = options.rate * (1 - SPARKPLUG_SHARE), options.rate * SPARKPLUG_SHARE
        publishers = make_publishers(load, stack, rate=native, seed=options.seed)
        senders = Senders(publishers, make_edges(options.nodes, stack, rate=sparkplug, seed=options.seed))
        for sender in senders.all:
            exits.callback(sender.stop)
        monitor = exits.enter_context(Monitor(stack, publishers))
        phases = Phases(stack, senders, monitor, options.seed, say)
        setting = (
            f"{stack.database_name}, {stack.broker_name}, workers: {options.workers}, {options.devices} devices "
            f"and {options.nodes} Sparkplug nodes with one each, "
            f"{options.rate:g} messages/s of {options.values} values, seed {options.seed}"
        )
        say(setting)
        result = Result(setting, [], None, {}, [], left_out, 0.0)
        _work(options, kinds, phases, result, stack)
        result.seconds = time.monotonic() - began
        return result


def possible(only: Sequence[str], stack: Stack, *, forgets: bool) -> tuple[list[Kind], list[str]]:
    """The faults of this run, and a sentence for each that this stack cannot have, or that is known to lose something.

    Args:
        only: names of faults; all where there is none.
        stack: what they would act on.
        forgets: whether its broker shares out the topics, and so forgets at a restart who reads them.

    Raises:
        PilotError: a name is not known, or nothing is left.
    """
    unknown = set(only) - {kind.name for kind in KINDS}
    if unknown:
        raise PilotError(f"No such fault: {', '.join(sorted(unknown))}. There are: {', '.join(k.name for k in KINDS)}.")
    wanted = [kind for kind in KINDS if not only or kind.name in only]
    ours = {
        "": True,
        "database": stack.database is not None,
        "broker": stack.broker is not None,
        "workers": stack.workers.count > 1,
    }
    why = {"workers": "there is one only"}
    left_out = [
        f"{kind.title}: {why.get(kind.needs, f'this {kind.needs} cannot be stopped')}"
        for kind in wanted
        if not ours[kind.needs]
    ]
    kinds = [kind for kind in wanted if ours[kind.needs]]
    if forgets and not only:
        left_out += [f"{kind.title}: {FORGOTTEN}" for kind in kinds if kind.name == FORGETFUL]
        kinds = [kind for kind in kinds if kind.name != FORGETFUL]
    if not kinds:
        raise PilotError(f"Nothing can be tried here. {'; '.join(left_out)}.")
    return kinds, left_out


def _work(options: Options, kinds: list[Kind], phases: Phases, result: Result, stack: Stack) -> None:
    """All phases, the comparison, then the broker that is killed."""
    try:
        until = time.monotonic() + options.minutes * 60
        for phase in plan(kinds, minutes=options.minutes, seed=options.seed):
            if not phase.is_due and time.monotonic() > until:
                break
            phases.run(phase)
    except KeyboardInterrupt:
        result.interrupted = True
    _judge(phases, result, stack)
    if stack.broker is not None and not options.only and not result.interrupted:
        stack.workers.start()
        stack.workers.wait_connected()
        phases.run(Phase(BROKER_KILL.title, (Occurrence(BROKER_KILL, 1.0, 0.5),), is_due=True), may_lose=True)
        result.beside = phases.results[-1]
        place = len(phases.results) - 1
        _fill(result.beside, place, phases.sent(), truth.compare(stack.url, phases.sent()))


def _judge(phases: Phases, result: Result, stack: Stack) -> None:
    code = stack.workers.stop()
    if code != 0:
        result.problems.append(f"ingest ended with exit code {code} when it was asked to stop")
    sent = phases.sent()
    found = truth.compare(stack.url, sent)
    for place, phase in enumerate(phases.results):
        _fill(phase, place, sent, found)
    result.phases = list(phases.results)
    if result.phases:  # what belongs to no phase is seen in the last one
        result.phases[-1].doubled += found.doubled[truth.NOWHERE]
        result.phases[-1].lost += found.lost_refusals[truth.NOWHERE]
        result.phases[-1].doubled += found.strewn.doubled[truth.NOWHERE]
        result.phases[-1].misplaced += found.strewn.misplaced[truth.NOWHERE]
    result.sparkplug, result.replays_stored = phases.sparkplug(), truth.replays_stored(stack.url)
    result.ledger = truth.totals(stack.url)
    result.took_place = dict(Counter(phases.took_place))
    if "Traceback" in stack.workers.log():
        result.problems.append("ingest logged a traceback (see --keep)")
    result.problems += [*truth.account_problems(stack.url, sent), *phases.problems, *stack.workers.failures]
    result.problems += [f"not drained: {phase.name}" for phase in result.phases if not phase.is_drained]


def _fill(phase: PhaseResult, place: int, sent: truth.Sent, found: truth.Found) -> None:
    """What the comparison found about a phase."""
    refused = sum(1 for at, one in sent.refusals if at == place and one.whole and one.late is None)
    strewn = found.strewn
    phase.lost = found.lost_messages[place] + found.lost_refusals[place] + strewn.lost_messages[place]
    phase.lost_values = found.lost_values[place] + strewn.lost_values[place]
    phase.doubled = found.doubled[place] + strewn.doubled[place]
    phase.misplaced = strewn.misplaced[place]
    phase.refused_for_now = strewn.refused[place]
    phase.rejected = refused - found.lost_refusals[place] + strewn.refused[place]
    phase.stored = (
        phase.sent - refused - found.lost_messages[place] - strewn.lost_messages[place] - strewn.refused[place]
    )
