"""`make simulate-economics`: where honest work pays most under the contract's own rules, and where not.

Prints tables, draws docs/images/economics.svg, and ends with one line of JSON. With --quick a
fifth of the tasks, and no picture. Exit status 1: the simulation and the formula disagree, or the
defaults of ``client submit`` are not the terms that it chooses.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from tileproof.client.price import DEFAULT_FEE_SHARE
from tileproof.config import TermsTable

from benchmarks import economics_figures as figures
from benchmarks import economics_report as report
from benchmarks.charts import draw
from benchmarks.economics_cast import COSTS, Requester
from benchmarks.economics_formula import bad_share_that_ends_laziness
from benchmarks.economics_games import (
    FEES,
    PRIZE,
    RATES,
    SIZES,
    Cell,
    market_cells,
    market_of,
    pairing,
    play_all,
    seat_cells,
    worker_cells,
)
from benchmarks.economics_panels import picture

TASKS, QUICK_TASKS = 100_000, 20_000
SEED = 20_260_101
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "economics.svg"


def main() -> int:
    options = argparse.ArgumentParser(prog="economics", description=__doc__)
    options.add_argument("--quick", action="store_true", help="a fifth of the tasks, no picture")
    quick = options.parse_args().quick
    tasks, started, costs = QUICK_TASKS if quick else TASKS, time.monotonic(), COSTS

    fee_cells = [Cell(3, 1.0, fee, cheats=figures.BAD_RESULTS) for fee in FEES]
    fee_tallies = play_all((market_of(cell, PRIZE, probed=True) for cell in fee_cells), 4 * tasks, SEED)
    fees = {cell.fee: figures.seat_margin(tally) for cell, tally in zip(fee_cells, fee_tallies, strict=True)}
    fee = figures.least_fee(fees)

    cells = worker_cells(fee)
    paired = dict(zip(cells, play_all(map(pairing, cells), tasks, SEED + 1), strict=True))
    checked = figures.against_formula(paired.items(), costs)
    careless = [Cell(n, q, fee, bad_seats=0.1, cheats=0.1) for n in SIZES for q in RATES]
    wrong = play_all((market_of(cell, PRIZE) for cell in careless), tasks, SEED + 2)
    candidates = [
        figures.candidate(cell.size, cell.rate, fee, paired, tally)
        for cell, tally in zip(careless, wrong, strict=True)
    ]
    chosen = figures.cheapest(candidates)

    at = (chosen.size, chosen.rate, fee)
    closely = Cell(*at)
    close = play_all([pairing(closely)], 10 * tasks, SEED + 3)[0]
    cells = market_cells(*at)
    markets = dict(zip(cells, play_all(map(market_of, cells), tasks, SEED + 4), strict=True))
    cells = seat_cells(*at)
    seats = dict(
        zip(cells, play_all((market_of(c, PRIZE, probed=True) for c in cells), tasks, SEED + 5), strict=True)
    )
    asking = [Cell(*at, "lazy", 0.1, 0.1, requester) for requester in Requester]
    asked = dict(zip(Requester, play_all(map(market_of, asking), tasks, SEED + 6), strict=True))

    played = report.Played(closely, close, fees, candidates, chosen, paired, markets, seats, asked, checked)
    print(report.tables(played))
    if not quick:
        PICTURE.write_text(draw(*picture(played)), encoding="utf-8")
    defaults = TermsTable()
    are_chosen = (defaults.committee_size, defaults.audit_rate) == (chosen.size, chosen.rate)
    are_chosen &= round(1 / fee) == DEFAULT_FEE_SHARE
    agrees = checked.beyond_4 <= checked.compared // 1000
    about = {
        "tasks_per_game": tasks,
        "seconds": round(time.monotonic() - started, 1),
        "laziness_ends_by_formula": round(bad_share_that_ends_laziness(fee, costs), 4),
        "simulation_agrees_with_formula": agrees,
        "defaults_are_the_chosen_terms": are_chosen,
    }
    print(json.dumps(report.summary(played) | about))
    return 0 if agrees and (are_chosen or quick) else 1


if __name__ == "__main__":
    sys.exit(main())
