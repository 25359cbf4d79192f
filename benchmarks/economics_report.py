"""The tables and the JSON of the economics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks import economics_figures as figures
from benchmarks.economics_cast import CHEATS, COPIER, HONEST, TRAP, Requester
from benchmarks.economics_games import BAD_SEATS, BEYOND, CHEAT_SHARES, FEW_CHEATS, RATES, SIZES, Cell
from benchmarks.economics_tally import Tally

ALL_BAD = (*BAD_SEATS, *BEYOND)


@dataclass(frozen=True, slots=True)
class Played:
    """Everything that was played. ``close``: all strategies, many times, at the chosen terms."""

    at: Cell
    close: Tally
    fees: Mapping[float, figures.Margin]
    candidates: Sequence[figures.Candidate]
    chosen: figures.Candidate
    paired: Mapping[Cell, Tally]
    markets: Mapping[Cell, Tally]
    seats: Mapping[Cell, Tally]
    asked: Mapping[Requester, Tally]
    checked: figures.Against

    def pair(self, size: int, rate: float, family: str, bad: float) -> Tally:
        return self.paired[Cell(size, rate, self.at.fee, family if bad else "lazy", bad)]

    def market(self, family: str, bad: float, cheats: float) -> Tally:
        at = self.at
        return self.markets[Cell(at.size, at.rate, at.fee, family if bad else "lazy", bad, cheats)]

    def seat(self, family: str, bad: float, cheats: float) -> Tally:
        at = self.at
        return self.seats[Cell(at.size, at.rate, at.fee, family if bad else "lazy", bad, cheats)]

    def ends(self, size: int, rate: float, family: str) -> float | None:
        """The share of such seats from which some strategy pays more than honest work."""
        return figures.end_of(
            {bad: figures.worker_margin(self.pair(size, rate, family, bad)).margin for bad in ALL_BAD}
        )

    def work_ends(self, size: int, rate: float, family: str) -> float | None:
        """The share from which honest work earns nothing."""
        return figures.end_of(
            {bad: figures.worker_margin(self.pair(size, rate, family, bad)).honest for bad in ALL_BAD}
        )

    def looking_ends(self, family: str, bad: float) -> dict[str, float | None]:
        """Between which shares of cheats looking pays more than any other way to sit."""
        shares = sorted({*CHEAT_SHARES, *(FEW_CHEATS if family == "lazy" or not bad else ())})
        margins = {share: figures.seat_margin(self.seat(family, bad, share)).margin for share in shares}
        mirrored = {-share: margin for share, margin in margins.items()}
        below = figures.end_of(mirrored)
        return {"from": None if below is None else -below, "to": figures.end_of(margins)}


def tables(played: Played) -> str:
    return "\n\n".join(
        [
            f"Strategies of workers, alone among honest seats ({in_words(played)}; in R per claim)",
            _table(["strategy", "saves", "found", "income", "honest pays more by", "+-"], _workers(played)),
            "Audit fees: one result in twenty is bad",
            _table(["f", "looking earns", "best other", "earns", "margin"], _fees(played)),
            f"Terms with f = {played.at.fee} and the least bond",
            _table(
                ["n", "q", "B", "worst margin", "best cheat", "paid wrong", "fees", "do"], _terms_rows(played)
            ),
            "Where honest work stops paying most (or at all), by share of seats",
            _table(["n", "q", "lazy", "lying", "lazy, at all", "lying, at all"], _ends(played)),
            "Looking pays most between these shares of bad results",
            _table(["other seats", "share", "from", "to", "at 60 % the best is"], _looking(played)),
            "A market of 10 % cheats and 10 % lazy seats, by what the requester appeals",
            _table(["appeals", "per task", "paid", "paid wrong"], _requesters(played)),
            "Copiers in the market",
            _table(["cheats", "seats", "copier", "honest", "claims"], _copiers(played)),
        ]
    )


def summary(played: Played) -> dict[str, object]:
    margins = {worker.name: figures.margin_to(played.close, worker) for worker in CHEATS}
    chosen, at = played.chosen, played.at
    trap = _party(played.close)
    return {
        "terms": {"n": chosen.size, "q": chosen.rate, "f": at.fee, "B": round(chosen.bond, 4)},
        "margins": {name: round(each.margin, 5) for name, each in margins.items() if each is not None},
        "least_margin_to_30_lazy_20_lying": round(chosen.worst_margin, 4),
        "best_cheat_to_20_bad_seats": round(chosen.prize, 4),
        "wrong_of_paid_at_10_10": round(chosen.wrong_share, 5),
        "honest_stops_paying_most": {
            family: _or_none(played.ends(at.size, at.rate, family)) for family in ("lazy", "lying")
        },
        "honest_stops_paying": {
            family: _or_none(played.work_ends(at.size, at.rate, family)) for family in ("lazy", "lying")
        },
        "seat_margins_by_bad_results": {
            f"{share:g}": round(figures.seat_margin(played.seat("lazy", 0.0, share)).margin, 5)
            for share in sorted({*FEW_CHEATS, *CHEAT_SHARES})
        },
        "looking_pays_most": {k: _or_none(v) for k, v in played.looking_ends("lazy", 0.0).items()},
        "trap_costs": round(-trap, 4),
        "formula": {
            "compared": played.checked.compared,
            "largest_gap": round(played.checked.largest_gap, 5),
            "largest_z": round(played.checked.largest_z, 2),
        },
    }


def in_words(played: Played) -> str:
    chosen = played.chosen
    return f"n = {chosen.size}, q = {chosen.rate:g}, f = {played.at.fee:g} R, B = {chosen.bond:g} R"


def _workers(played: Played) -> list[list[str]]:
    rows = []
    for worker in (HONEST, *CHEATS):
        income, margin = played.close.worker(worker), figures.margin_to(played.close, worker)
        if worker is COPIER or income is None or margin is None:
            continue
        more = ["-", "-"] if worker is HONEST else [f"{margin.margin:.4f}", f"{margin.half:.4f}"]
        found = f"{worker.detection:.1%}"
        rows.append([worker.name, f"{worker.saved:.1%}", found, f"{income.mean:+.4f}", *more])
    trap = f"{_party(played.close):+.4f}"
    return [*rows, [f"{TRAP.name} (requester and worker together)", "-", "100.0%", trap, "-", "-"]]


def _party(tally: Tally) -> float:
    """What a trap costs who sets it: requester and worker in one, and no render."""
    at = tally.cast.index(TRAP)
    return float((tally.workers.sum[at] + tally.hirers.sum[at]) / tally.workers.count[at])


def _fees(played: Played) -> list[list[str]]:
    return [
        [
            f"{fee:g}",
            f"{m.honest:+.4f}",
            m.rival,
            f"{m.rival_income:+.4f}",
            f"{m.margin:+.4f} +- {m.half:.4f}",
        ]
        for fee, m in played.fees.items()
    ]


def _terms_rows(played: Played) -> list[list[str]]:
    return [
        [
            f"{c.size}",
            f"{c.rate:g}",
            f"{c.bond:g}",
            f"{c.worst_margin:+.3f}",
            f"{c.prize:+.3f}",
            f"{c.wrong_share:.2%}",
            f"{c.price:.3f}",
            ("chosen" if c is played.chosen else "yes") if c.will_do else "no",
        ]
        for c in played.candidates
    ]


def _ends(played: Played) -> list[list[str]]:
    return [
        [
            f"{size}",
            f"{rate:g}",
            *(_percent(played.ends(size, rate, family)) for family in ("lazy", "lying")),
            *(_percent(played.work_ends(size, rate, family)) for family in ("lazy", "lying")),
        ]
        for size in SIZES
        for rate in RATES
    ]


def _looking(played: Played) -> list[list[str]]:
    rows = []
    for family in ("lazy", "lying"):
        for bad in BAD_SEATS:
            if bad or family == "lazy":
                ends = played.looking_ends(family, bad)
                best = figures.seat_margin(played.seat(family, bad, CHEAT_SHARES[-1]))
                between = [_percent(ends["from"]), _percent(ends["to"])]
                rows.append([family, f"{bad:.0%}", *between, f"{best.rival} ({best.margin:+.3f})"])
    return rows


def _requesters(played: Played) -> list[list[str]]:
    return [
        [
            requester.value,
            f"{tally.requesters / tally.tasks:+.4f}",
            f"{tally.paid / tally.tasks:.2%}",
            f"{tally.wrong_share:.3%}",
        ]
        for requester, tally in played.asked.items()
    ]


def _copiers(played: Played) -> list[list[str]]:
    rows = []
    for cheats in (0.1, 0.3, 0.6):
        for family, bad in (("lazy", 0.0), ("lying", 0.2), ("lying", 0.4)):
            tally = played.market(family, bad, cheats)
            copier, honest = tally.worker(COPIER), tally.worker(HONEST)
            if copier is not None and honest is not None:
                both = [f"{copier.mean:+.3f} +- {copier.half:.3f}", f"{honest.mean:+.3f}"]
                rows.append([f"{cheats:.0%}", f"{bad:.0%} {family}", *both, f"{copier.count}"])
    return rows


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f} %"


def _or_none(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
