"""How much gas may cost: pure arithmetic over two caps and the money that a call can save."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...domain.errors import ConfigError
from ...domain.money import ZERO, Fri

AtRisk = Callable[[], Fri]
"""What is lost if a call is not sent in time. Asked only when a cap stands in the way, since the
answer may take a look at the ledger."""


def nothing_at_risk() -> Fri:
    return ZERO


@dataclass(frozen=True, slots=True)
class FeeCaps:
    """The most that one transaction, and all of one UTC day, may cost in gas.

    A call with money at risk may exceed either cap by at most that money. A day so costs at
    most ``per_day`` and what was at risk in the calls that exceeded it.
    """

    per_tx: Fri
    per_day: Fri

    def over_per_tx(self, most: Fri) -> Fri:
        """By how much a transaction that may cost ``most`` exceeds its own cap."""
        return Fri(max(0, most.units - self.per_tx.units))

    def over_per_day(self, most: Fri, spent: Fri) -> Fri:
        """The part of ``most`` that lies above the day's cap once ``spent`` is gone: what earlier
        calls exceeded it by was theirs to answer for."""
        return Fri(min(most.units, max(0, spent.units + most.units - self.per_day.units)))

    def check(self, what: str, most: Fri, spent: Fri, at_risk: AtRisk = nothing_at_risk) -> None:
        """Says nothing when ``what`` may be sent: ``most`` is the dearest it can come, ``spent``
        what today has cost so far.

        Raises ConfigError ``fees.above_cap``, ``fees.above_daily_cap``.
        """
        over_tx, over_day = self.over_per_tx(most), self.over_per_day(most, spent)
        if over_tx == over_day == ZERO:
            return
        saves = at_risk()
        worth = f", and {saves} at risk allow no more" if saves > ZERO else ""
        if over_tx > saves:
            raise ConfigError(
                "fees.above_cap",
                f"{what} could cost {most} in gas, more than the {self.per_tx} a transaction may{worth}",
                remedy="wait for lower prices, or raise TILEPROOF_FEE_PER_TX",
                fee=most.units,
            )
        if over_day > saves:
            raise ConfigError(
                "fees.above_daily_cap",
                f"{what} could bring today's gas above the {self.per_day} allowed for a day{worth}",
                remedy="wait until tomorrow (UTC), or raise TILEPROOF_FEE_PER_DAY",
                fee=most.units,
            )
