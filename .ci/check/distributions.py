"""Holds what a plan draws against scipy's distributions. The seed is fixed: a pass is a pass for good."""
import math
import sys

import pandas as pd
from scipy import stats

from metron import run

SIM = "sim:fixed?ttft=1ms&tbt=1ms&tokens=1"
LEAST = 1e-3  # of a p-value


def fits(what, p):
    assert p > LEAST, f"{what}: p = {p:.2g}"
    print(f"{what}: p = {p:.3f}")


def main(binary):
    rows = rows_of(binary, "--rate", "400", "--requests", "4000", "--input-tokens", "lognormal:200,0.5")
    gaps = rows.intended_ns.diff().dropna() / 1e9
    fits("poisson gaps are exponential", stats.kstest(gaps, stats.expon(scale=1 / 400).cdf).pvalue)
    # Lengths are whole numbers: half a token either way of the continuous law.
    drawn = rows.planned_input_tokens + stats.uniform.rvs(loc=-0.5, scale=1, size=len(rows), random_state=1)
    fits("lognormal lengths", stats.kstest(drawn, stats.lognorm(s=0.5, scale=200).cdf).pvalue)

    rows = rows_of(binary, "--rate", "400", "--requests", "4000", "--seed", "5", "--arrivals", "gamma", "--burstiness",
                   "0.5", "--input-tokens", "uniform:100..199")
    gaps = rows.intended_ns.diff().dropna() / 1e9
    fits("gamma gaps", stats.kstest(gaps, stats.gamma(a=0.5, scale=1 / 200).cdf).pvalue)
    counts = rows.planned_input_tokens.value_counts().reindex(range(100, 200), fill_value=0)
    fits("uniform lengths", stats.chisquare(counts).pvalue)
    laws(binary)
    rates(binary)
    together(binary)


def rows_of(binary, *arguments):
    """The rows of a run in virtual time: planned instants and lengths, nothing waited for."""
    folder, _ = run(binary, "--url", SIM, "--virtual-time", "--output-tokens", "1", *arguments)
    return pd.read_parquet(folder / "requests.parquet")


def laws(binary):
    def gaps(arrivals, rate="400"):
        rows = rows_of(binary, "--rate", rate, "--requests", "20000", "--arrivals", arrivals)
        return rows.intended_ns.diff().dropna() / 1e9

    shape = 0.7
    law = stats.weibull_min(c=shape, scale=1 / 400 / math.gamma(1 + 1 / shape))
    fits("weibull gaps", stats.kstest(gaps(f"weibull:{shape}"), law.cdf).pvalue)
    fits("jittered gaps", stats.kstest(gaps("jitter:0.2"), stats.uniform(0.8 / 400, 0.4 / 400).cdf).pvalue)
    # Of a busier process many gaps of this shape lie below the nanosecond to which instants are rounded.
    law = stats.gamma(a=1 / 4, scale=4 / 0.01)
    fits("gamma gaps by their variation", stats.kstest(gaps("gamma:cv=2", "0.01"), law.cdf).pvalue)


def rates(binary):
    """Of a Poisson process whose rate changes, the mean count up to each arrival is a Poisson process of rate 1."""
    def unit(arrivals, count_up_to, *more):
        rows = rows_of(binary, "--requests", "20000", "--arrivals", arrivals, *more)
        gaps = count_up_to(rows.intended_ns / 1e9).diff().dropna()
        fits(arrivals, stats.kstest(gaps, stats.expon().cdf).pvalue)

    unit("ramp:100s@5..50", lambda t: t.where(t >= 100, 5 * t + 0.45 * t * t / 2).where(t < 100, 2750 + 50 * (t - 100)))
    unit("steps:10s@5,20s@50", lambda t: (5 * t).where(t < 10, 50 + 50 * (t - 10)))
    period, swing = 60, 0.6
    angle = 2 * math.pi / period
    unit(f"diurnal:{period}s,{swing}", lambda t: 100 * (t + swing / angle * (1 - (angle * t).map(math.cos))), "--rate", "100")


def together(binary):
    rows = rows_of(binary, "--requests", "20000", "--lengths", "bilognormal:90000,0.5,50000,0.7,0.6")
    logs = rows.planned_input_tokens.map(math.log)
    fits("lengths drawn together", stats.kstest(logs, stats.norm(math.log(90000), 0.5).cdf).pvalue)
    rows = rows_of(binary, "--requests", "20000", "--input-tokens", "zipf:1..50,0.9")
    weights = pd.Series({rank: rank ** -0.9 for rank in range(1, 51)})
    counts = rows.planned_input_tokens.value_counts().reindex(range(1, 51), fill_value=0)
    fits("zipf lengths", stats.chisquare(counts, weights / weights.sum() * len(rows)).pvalue)


main(sys.argv[1])
