"""Every chain of an evidence store from its first record, or the last verified head, to its newest signed head."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from audit.verify.anchors import AnchorCheck
from audit.verify.bench import Batch, Bench, Outcome, Sealed, batches, same
from audit.verify.judges import NOBODY, Judge
from audit.verify.mentions import Spoke, newest
from audit.verify.objects import Store
from audit.verify.plan import Plan, Step
from audit.verify.report import Head, Report
from audit.verify.segments import Position, Records
from audit.verify.tiles import TileCheck
from audit.verify.trust import Trust
from audit.verify.words import DEPTH
from audit.verify.workers import Workers
from audit.worm.names import HEADS
from audit.worm.store import Worm, WormUnavailable

_RELIED_ON = DEPTH.index("segments")
"""A head is taken up later only if every record under it was read."""


class Listener(Protocol):
    """Whoever follows the check of the evidence store, in order.

    `elsewhere` and `records` may be called in other processes, which are copies of this one: what they learn there is
    told to the report they are given, and to nobody else.
    """

    def elsewhere(self, worm: Worm) -> None:
        """This is another process, with a store of its own: called once there, before anything else."""
        ...

    def records(self, chain: str, records: Records, *, report: Report) -> None:
        """A segment whose leaves are known."""
        ...

    def sealed(self, chain: str, sealed: Sealed) -> None:
        """A segment was read: what is looked at in order, and always here."""
        ...

    def reached(self, chain: str, size: int, head: str | None) -> None:
        """The check has come so far; `head` is the leaf of the last record, None when damage hides it."""
        ...

    def ended(self, chain: str, size: int) -> None:
        """The chain's last sealed record was `size`."""
        ...


def verify_worm(
    worm: Worm,
    *,
    trust: Trust,
    now: datetime,
    listener: Listener | None = None,
    live: bool = False,
    only: str = "",
    report: Report | None = None,
    level: str = "segments",
    since: Mapping[str, Head] | None = None,
    jobs: int = 1,
    again: Callable[[], Worm] | None = None,
    judge: Judge = NOBODY,
) -> Report:
    """Check everything an evidence store holds, by itself: no database, no network, memory for one segment at a time.

    `live`: the store may be written to meanwhile, so a segment without a head at the very end is work in progress and
    not an open question; whoever says so knows from elsewhere how much was sealed. `only`: one chain. `report`: to be
    continued instead of a new one. `level`: how deep (`LEVELS`). `since`: heads an earlier check vouched for, behind
    which each chain is taken up. `jobs`: processes; each opens its store with `again`, if given. What is found and in
    which order does not depend on their number. `judge`: who says who made a time stamp.
    """
    report = report or Report(at=now, scope=only)
    report.log, report.keys, report.level = trust.log, tuple(key.hex() for key in trust.public_keys), level
    store = Store(worm, trust=trust, report=report)
    if not trust.public_keys and not report.unchecked:
        report.miss("key-absent", reason="none was given")
    try:
        store.keyring()
        plan = Plan(worm, trust=trust, now=now, live=live, only=only, since=since or {})
        bench = Bench(worm, trust=trust, level=level, now=now, recipient=listener)
        chains = _Chains(store, bench, plan, listener, judge)
        for batch, outcomes in _checked(plan, bench, listener=listener, jobs=jobs, again=again):
            chains.add(batch, outcomes)
        report.count("chains", chains.number)
        if report.counts.get("segments") or report.counts.get("heads"):
            store.unpublished()
        if not chains.number and not live:
            report.miss("store-empty", store=only or trust.log)
    except WormUnavailable as error:
        report.miss("store-unreadable", object=trust.log, reason=str(error))
    return report


def _checked(
    plan: Plan, bench: Bench, *, listener: Listener | None, jobs: int, again: Callable[[], Worm] | None
) -> Iterator[tuple[Batch, list[Outcome | None] | None]]:
    if jobs <= 1:
        # One step at a time: nothing is read ahead, and nothing held.
        for step in plan.steps():
            yield [step], [None]
        return

    def begin() -> Callable[[Batch], list[Outcome | None]]:
        bench.worm = again() if again is not None else bench.worm
        if listener is not None:
            listener.elsewhere(bench.worm)
        return bench.run

    yield from Workers(jobs, begin).run(batches(plan.steps()))


class _Chains:
    """Puts together what was found, step by step, as if one process had read from the beginning."""

    def __init__(self, store: Store, bench: Bench, plan: Plan, listener: Listener | None, judge: Judge) -> None:
        self.store = store
        self.report = store.report
        self.bench = bench
        self.plan = plan
        self.listener = listener
        self.number = 0
        self._position = Position("")
        self._clean = (0, 0)
        self._first = 0
        self._spoke: Spoke | None = None
        self._tiles = TileCheck(store, "")
        self._judge = judge
        self._began = time.monotonic()
        self._anchors: AnchorCheck | None = None

    def add(self, batch: Batch, outcomes: list[Outcome | None] | None) -> None:
        """Take over a batch; `outcomes` is None when the process that had it died, an outcome when it is yet to do.

        Raises WormUnavailable where the store stopped answering.
        """
        for place, step in enumerate(batch):
            if step.start is not None:
                self._begin(step, step.start)
            self.report.absorb(step.told)
            if step.lost is not None:
                self._position.lose(size=step.lost)
            if step.failed is not None:
                raise step.failed
            if step.segment is not None:
                self._segment(step, died=outcomes is None, outcome=outcomes[place] if outcomes else None)
            if step.size is not None:
                self._end(step.chain, step.size)

    def _begin(self, step: Step, start: Position) -> None:
        # What the lists told with this step is about the head the chain is taken up behind.
        self._clean = self.report.found, len(self.report.unchecked)
        self._position, self._first, self._spoke = start, 0, None
        self._tiles = TileCheck(self.store, step.chain)
        head = self.plan.resumed.get(step.chain)
        if step.chain == HEADS:
            self._anchors = AnchorCheck(
                self.store,
                judge=self._judge,
                clock=lambda: self.report.at + timedelta(seconds=time.monotonic() - self._began),
                live=self.plan.live,
                after=head.size if head else 0,
            )
            if head is not None:
                self._anchors.add(head.first, head.size)
        if head is not None:
            self.report.since[step.chain] = head
            self._first = head.first
            self._reached()

    def _segment(self, step: Step, *, died: bool, outcome: Outcome | None) -> None:
        assert step.segment is not None
        first, last = step.segment.first, step.segment.last
        if died:
            self.report.miss("segment-unchecked", chain=step.chain, first=first, last=last)
            self._position.lose(size=last)
        else:
            if outcome is None or not same(outcome.start, self._position):
                outcome = self.bench.one(step, self._position)
            self.report.absorb(outcome.report)
            self._position = outcome.end
            if outcome.spoke is not None:
                self._spoke = outcome.spoke.after(self._spoke, report=self.report)
            if outcome.sealed is not None:
                self._tiles.add(outcome.sealed)
                if self.listener is not None:
                    self.listener.sealed(step.chain, outcome.sealed)
        if self._anchors is not None:
            self._anchors.add(first, last)
        self._first = first
        self._reached()

    def _reached(self) -> None:
        if self.listener is not None:
            self.listener.reached(self._position.chain, self._position.size, self._position.head)

    def _end(self, chain: str, size: int) -> None:
        self.number += 1
        if self.listener is not None:
            self.listener.ended(chain, size)
        newest(self._spoke, report=self.report)
        self._relied_on(chain, size)
        if self._anchors is not None:
            self._anchors.finish()
            self._anchors = None

    def _relied_on(self, chain: str, size: int) -> None:
        """Say up to where the chain holds, if it does."""
        if DEPTH.index(self.report.level) >= _RELIED_ON:
            self._tiles.finish(size=size)
        report, compact = self.report, self._position.compact
        if DEPTH.index(report.level) < _RELIED_ON or not report.keys:
            return
        if (report.found, len(report.unchecked)) == self._clean and compact is not None and compact.size:
            report.verified[chain] = Head(self._first, compact.size, compact.root().hex())
        elif chain in report.since:
            report.verified[chain] = report.since[chain]
