"""What theory expects, to hold the simulation against: closed forms that know nothing of ``model/``.

They hold where the seats are honest or lazy, the requester sees nothing in the preview and nobody
appeals a reject: then every committee has a majority.
"""

from __future__ import annotations

import math

from tileproof.audit.plan import deterrence_bond
from tileproof.domain.money import Fri

from benchmarks.economics_cast import Appeals, Costs, Move, Truth, Worker

_R = 10**12


def honest_majority(committee_size: int, lazy_share: float) -> float:
    """The chance that a drawn committee's majority looks."""
    honest = 1 - lazy_share
    least = committee_size // 2 + 1
    return math.fsum(
        math.comb(committee_size, k) * honest**k * lazy_share ** (committee_size - k)
        for k in range(least, committee_size + 1)
    )


def is_covered(worker: Worker) -> bool:
    """Whether the closed form is about this strategy. Of withheld bytes lazy and honest seats may
    agree on nothing, so these are left out."""
    return (
        worker.move is Move.SUBMITS
        and worker.truth in (Truth.RIGHT, Truth.BAD)
        and worker.seen == 0
        and worker.appeals is not Appeals.ALWAYS
    )


def income(worker: Worker, committee_size: int, rate: float, bond: float, lazy: float, costs: Costs) -> float:
    """Per claim, in R: the reward where nothing is found, else the bond lost, less work and gas."""
    caught = chance_caught(worker, committee_size, rate, lazy)
    spent = costs.render * (1 - worker.saved) + costs.gas(costs.worker_gas)
    return (1 - caught) - caught * bond - spent


def chance_caught(worker: Worker, committee_size: int, rate: float, lazy: float) -> float:
    return rate * worker.detection * honest_majority(committee_size, lazy)


def spread(worker: Worker, committee_size: int, rate: float, bond: float, lazy: float) -> float:
    """The standard deviation of one claim's income: it is caught or not."""
    caught = min(1.0, chance_caught(worker, committee_size, rate, lazy))
    return (1 + bond) * math.sqrt(caught * (1 - caught))


def bond_that_deters(detection: float, rate: float, saved_cost: float) -> float:
    """In R: B >= R x (g x c / (q x P) - 1), for g x c saved; with 1 for g x c, the bond with which a
    cheat that does no work earns nothing."""
    least = deterrence_bond(
        Fri(_R), detection=detection, audit_rate=rate, cost_share=saved_cost, work_saved=1
    )
    return least.units / _R


def bad_share_that_ends_laziness(fee: float, costs: Costs, slash_fees: int = 4) -> float:
    """The share of audited results that must be bad, so that looking pays more than accepting blindly:
    each bad one that a majority finds gives an honest seat f and takes 4f from a lazy one."""
    return costs.audit / ((1 + slash_fees) * fee)
