"""What the picture of the economics shows."""

from __future__ import annotations

from benchmarks import economics_figures as figures
from benchmarks.charts import COLOURS, Chart, HeatMap, Line
from benchmarks.economics_formula import bond_that_deters, honest_majority
from benchmarks.economics_games import BAD_SEATS, CHEAT_SHARES, FEW_CHEATS, RATES, SIZES, Cell
from benchmarks.economics_report import ALL_BAD, Played, in_words


def picture(played: Played) -> tuple[str, list[Chart | HeatMap], list[str]]:
    size, rate = played.at.size, played.at.rate
    lines = [
        Line(
            f"n = {n}, {family}",
            [(bad, figures.worker_margin(played.pair(n, rate, family, bad)).margin) for bad in ALL_BAD],
            COLOURS[number],
            dashed=family == "lying",
        )
        for number, n in enumerate(SIZES)
        for family in ("lazy", "lying")
    ]
    workers = Chart(
        f"Honest work over the best cheat (q = {rate:g})",
        "lazy (lines) or lying (dashed) seats",
        "margin per task, in R",
        lines,
        -1.0,
        0.5,
        [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5],
        legend=(12, 140),
    )
    bond_lines = []
    for number, bad in enumerate((0.0, 0.2, 0.4)):
        heard = honest_majority(size, bad)
        fine = [q / 100 for q in range(10, 101, 2)]
        curve = [(q, bond_that_deters(heard, q, 1.0)) for q in fine]
        dots = [
            (q, figures.bond_needed(_cell(played, q, bad), played.pair(size, q, "lazy", bad), True))
            for q in RATES
        ]
        bond_lines += [
            Line(f"{bad * 100:g} % lazy seats", curve, COLOURS[number]),
            Line("", dots, COLOURS[number], dots=True),
        ]
    bonds = Chart(
        f"Worker bond with which no cheat earns (n = {size})",
        "audit rate q; lines: formula, a cheat without costs; dots: played",
        "bond, in R",
        bond_lines,
        0,
        18,
        [0, 3, 6, 9, 12, 15, 18],
    )
    shares = sorted({*FEW_CHEATS, *CHEAT_SHARES})
    seats = HeatMap(
        "A seat that looks over the best that does not",
        "cheats and traps among results",
        "lazy among the other seats",
        shares,
        BAD_SEATS,
        {
            (share, bad): figures.seat_margin(played.seat("lazy", bad, share)).margin
            for share in shares
            for bad in BAD_SEATS
        },
    )
    market = HeatMap(
        "A market: honest work over the best cheat",
        "cheats among workers",
        "lying among seats",
        CHEAT_SHARES[1:],
        BAD_SEATS,
        {
            (share, bad): figures.worker_margin(played.market("lying", bad, share)).margin
            for share in CHEAT_SHARES[1:]
            for bad in BAD_SEATS
        },
    )
    foot = [
        f"Terms where none are named: {in_words(played)}. Rendering costs 0.5 R, an audit 0.025 R.",
        "Green, and above 0: honest work pays more than every strategy. Red, and below 0: one pays more.",
    ]
    return "Where honest work pays most, and where not", [workers, bonds, seats, market], foot


def _cell(played: Played, rate: float, bad: float) -> Cell:
    return Cell(played.at.size, rate, played.at.fee, "lazy", bad)
