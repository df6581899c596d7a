"""Claims on tables in which they are true, false or undecided by construction."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from sklearn_reasoning.algorithms import GradientDescent, NesterovAcceleratedGradient
from sklearn_reasoning.experiments._claims import FIGURES, claims_of
from sklearn_reasoning.experiments._evidence import below, holm, mean_and_p, peak, trend
from sklearn_reasoning.experiments._protocol import Protocol

K = (1, 2, 4, 6, 8, 12, 16, 20, 30)
PROTOCOL = Protocol(k=K, q_hidden=(0, 16, 32), repetitions=10)
PLACES = {k: place for place, k in enumerate(K)}


def table_of(curves, algos=("gd", "nag"), q_hidden=(0, 16, 32), n=10, noise=0.1, seed=0):
    """Make a table: ``curves`` maps a column to f(algo, q_hidden, k); repetitions are paired.

    Repetitions differ ten times as much from one another as algorithms do within them.
    """
    rng = np.random.RandomState(seed)
    common = 10 * noise * rng.standard_normal(n)
    rows = []
    for algo in algos:
        for q in q_hidden:
            for k in K:
                for repetition in range(n):
                    row = {"algo": algo, "q_hidden": q, "k": k, "repetition": repetition}
                    for column, curve in curves.items():
                        own = noise * rng.standard_normal()
                        row[column] = curve(algo, q, k) + common[repetition] + own
                    rows.append(row)
    return {name: [row[name] for row in rows] for name in rows[0]}


def falls(algo, q, k):
    return 20.0 * {"gd": 0.9, "nag": 0.8}.get(algo, 0.7) ** (k - 1)


def rises(algo, q, k):
    return {"gd": 1.0, "nag": 1.5}.get(algo, 2.0) * PLACES[k]


def flat(algo, q, k):
    return 3.0


def swapped(curve):
    other = {"gd": "nag", "nag": "gd"}
    return lambda algo, q, k: curve(other.get(algo, algo), q, k)


def hump(algo, q, k):
    return 5.0 - (PLACES[k] - {"gd": 5, "nag": 3}[algo]) ** 2


def paper_gap(algo, q, k):
    return hump(algo, q, k) if q == 16 else rises(algo, q, k)


def both_norms(curve):
    return {"q_spectral": curve, "q_frobenius": curve}


def learned(algo, q, k):
    return 10.0 - PLACES[k] - (1.0 if algo == "rnn" else 0.0)


def learned_gap(algo, q, k):
    return 1.0 + (1.0 if algo == "rnn" else 0.0)


TRUE = {
    "fig3": {"train_loss": falls},
    "fig4": both_norms(falls),
    "fig5": {"gap": paper_gap},
    "fig6": {"train_loss": learned, "gap": learned_gap},
}
FALSE = {
    "fig3": {"train_loss": rises},
    "fig4": both_norms(lambda algo, q, k: {"gd": 1.0, "nag": 1.5}[algo] * (1 + PLACES[k])),
    "fig5": {"gap": lambda algo, q, k: -rises(algo, q, k) + (q == 16) * 30 * (algo == "nag")},
    "fig6": {
        "train_loss": lambda *row: -learned(*row),
        "gap": lambda *row: -learned_gap(*row),
    },
}
UNDECIDED = {figure: dict.fromkeys(curves, flat) for figure, curves in TRUE.items()}
N_CLAIMS = {"fig2": 3, "fig3": 6, "fig4": 9, "fig5": 6, "fig6": 2}
TRAINED = list(TRUE)


def make(figure, curves, **settings):
    if figure == "fig6":
        settings = {"algos": ("gd", "nag", "rnn"), **settings, "q_hidden": (0,)}
    table = table_of(curves, **settings)
    if figure == "fig6":
        del table["q_hidden"]
    return table


def judge(figure, table, protocol=PROTOCOL):
    claims = claims_of(figure, table, protocol)
    assert len(claims) == N_CLAIMS[figure]
    assert {claim.figure for claim in claims} == {figure}
    return claims


def verdicts(figure, table, protocol=PROTOCOL):
    return [claim.verdict for claim in judge(figure, table, protocol)]


@pytest.mark.parametrize("figure", TRAINED)
@pytest.mark.parametrize(
    ("curves", "verdict"),
    [(TRUE, "holds"), (FALSE, "does not hold"), (UNDECIDED, "undecided")],
    ids=["true", "false", "undecided"],
)
def test_what_is_true_holds_and_what_is_false_does_not(figure, curves, verdict):
    claims = judge(figure, make(figure, curves[figure]))
    assert {claim.verdict for claim in claims} == {verdict}
    if verdict == "undecided":
        assert all("do not decide" in claim.found for claim in claims)
        assert all(claim.p_value >= 0.01 for claim in claims)
    else:
        assert all(claim.p_value < 0.01 for claim in claims)


def test_right_at_some_k_and_wrong_at_others_is_in_part():
    def crossing(algo, q, k):
        return falls(algo, q, k) + (5.0 if algo == "nag" and k > 10 else 0.0)

    found = judge("fig3", make("fig3", {"train_loss": crossing}))[1]
    assert found.verdict == "holds in part"
    assert "not below at k = 12, 16, 20, 30" in found.found
    assert "significantly above at k = 12, 16, 20, 30" in found.found


def test_a_fall_that_turns_up_is_in_part():
    def turning(algo, q, k):
        return falls(algo, q, k) + (3.0 if k == 30 else 0.0)

    assert verdicts("fig3", make("fig3", {"train_loss": turning}))[::2] == ["holds in part"] * 3


def test_one_algorithm_of_two_is_in_part():
    gap = {"gap": lambda algo, q, k: rises(algo, q, k) if algo == "nag" else 2.0}
    claims = judge("fig5", make("fig5", gap))
    assert claims[0].text == "under-parameterised (linear Q_theta): the gap rises with k"
    assert claims[0].verdict == "holds in part"


def test_a_rise_without_a_fall_is_no_peak():
    gap = {"gap": lambda algo, q, k: rises(algo, 0, k)}
    assert verdicts("fig5", make("fig5", gap))[2] == "does not hold"


def test_a_rise_whose_fall_is_not_significant_is_undecided():
    values = np.array([0.0, 1.0, 2.0, 1.9]) + 0.1 * np.random.RandomState(0).standard_normal((8, 4))
    values[:, -1] = 1.9 + np.linspace(-1.0, 1.0, 8)
    part = peak(values, (1, 2, 3, 4), "gd")
    fall = stats.ttest_rel(values[:, 2], values[:, 3]).pvalue
    assert (part.verdict, part.p_value) == ("undecided", pytest.approx(min(1.0, 2 * fall)))
    rise = 2 * min(stats.ttest_rel(values[:, i], values[:, 0]).pvalue for i in (1, 2))
    assert f"the rise has p = {rise:.2g}, the fall p = {min(1.0, 2 * fall):.2g}" in part.found
    values[:, -1] = 1.5
    assert peak(values, (1, 2, 3, 4), "gd").verdict == "holds"


def test_an_order_holds_where_every_k_is_significant_and_in_part_where_some_are():
    rng = np.random.RandomState(0)
    high = rng.standard_normal((10, 3))
    clear, overlapping = np.linspace(0.9, 1.1, 10), np.linspace(-1.0, 1.2, 10)
    low = high - clear[:, None]
    names = ("nag", "gd")
    part = below(low, high, (2, 4, 8), names)
    assert part.verdict == "holds"
    assert part.p_value == pytest.approx(stats.ttest_rel(low, high).pvalue.max())
    # The sign is right at k = 8 too, but its error bars overlap.
    low[:, 2] = high[:, 2] - overlapping
    part = below(low, high, (2, 4, 8), names)
    assert part.verdict == "holds in part"
    assert "nag is below gd at 3 of 3 k, significantly at 2 " in part.found
    low = high - overlapping[:, None]
    part = below(low, high, (2, 4, 8), names)
    assert part.verdict == "undecided"
    smallest = stats.ttest_rel(low, high).pvalue.min()
    assert part.p_value == pytest.approx(min(1.0, 3 * smallest))


def test_k_that_are_all_significant_alone_hold_without_holm():
    # p of 0.006 each: Holm's method, which asks for one of them, would ask for 0.01 / 3.
    t = stats.t.isf(0.003, 9)
    spread = np.linspace(-1.0, 1.0, 10)
    difference = 1.0 + spread / spread.std(ddof=1) * np.sqrt(10) / t
    low, high = np.zeros((10, 3)), np.repeat(difference[:, None], 3, axis=1)
    part = below(low, high, (2, 4, 8), ("nag", "gd"))
    assert (part.verdict, part.p_value) == ("holds", pytest.approx(0.006))


def test_hidden_sizes_play_their_roles_by_order():
    protocol = Protocol(k=K, q_hidden=(64, 2, 8), repetitions=10)
    gap = {"gap": lambda algo, q, k: (hump if q == 8 else rises)(algo, q, k)}
    claims = judge("fig5", table_of(gap, q_hidden=(2, 8, 64)), protocol)
    assert [claim.verdict for claim in claims] == ["holds"] * 6
    assert [claim.text.split(":")[0] for claim in claims[::2]] == [
        "under-parameterised (2 hidden units)",
        "about right (8 hidden units)",
        "over-parameterised (64 hidden units)",
    ]


def test_two_hidden_sizes_have_no_roles():
    protocol = Protocol(k=K, q_hidden=(0, 16), repetitions=10)
    claims = judge("fig5", make("fig5", {"gap": paper_gap}, q_hidden=(0, 16)), protocol)
    assert {claim.verdict for claim in claims} == {"not testable"}
    assert "three hidden sizes" in claims[0].found


@pytest.mark.parametrize("figure", TRAINED)
def test_the_order_of_rows_is_nothing(figure):
    table = make(figure, TRUE[figure], noise=1.0)
    order = np.random.RandomState(1).permutation(len(table["k"]))
    permuted = {name: [column[i] for i in order] for name, column in table.items()}
    assert judge(figure, permuted) == judge(figure, table)


@pytest.mark.parametrize("figure", TRAINED)
def test_a_single_repetition_is_not_testable(figure):
    claims = judge(figure, make(figure, TRUE[figure], n=1))
    assert {claim.verdict for claim in claims} == {"not testable"}
    assert {claim.p_value for claim in claims} == {None}


@pytest.mark.parametrize("figure", TRAINED)
@pytest.mark.parametrize("missing", ["gd", "nag"])
def test_without_gd_or_nag_nothing_is_testable(figure, missing):
    algos = tuple({"gd", "nag", "rnn"} - {missing})
    table = make(figure, TRUE[figure] if figure != "fig5" else {"gap": rises}, algos=algos)
    claims = judge(figure, table)
    assert {claim.verdict for claim in claims} == {"not testable"}
    assert all(missing in claim.found for claim in claims)


@pytest.mark.parametrize("figure", TRAINED)
def test_algorithms_of_ones_own_change_nothing(figure):
    table = make(figure, TRUE[figure])
    extended = {name: list(column) for name, column in table.items()}
    for name, column in extended.items():
        extended[name] = column + ["mine" if v == "gd" else v for v in column]
    rows = [i for i, algo in enumerate(extended["algo"]) if i < len(table["k"]) or algo == "mine"]
    extended = {name: [column[i] for i in rows] for name, column in extended.items()}
    assert judge(figure, extended) == judge(figure, table)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_counts_as_missing_and_is_told(value):
    table = make("fig3", TRUE["fig3"])
    row = next(
        i
        for i in range(len(table["k"]))
        if (table["algo"][i], table["q_hidden"][i], table["k"][i]) == ("nag", 16, 8)
    )
    shorter = {name: column[:row] + column[row + 1 :] for name, column in table.items()}
    table["train_loss"][row] = value
    claims, without = judge("fig3", table), judge("fig3", shorter)
    assert [claim.p_value for claim in claims] == [claim.p_value for claim in without]
    assert claims[3].found == without[3].found + " Left out: 1 not finite."


def test_a_diverged_algorithm_is_not_testable():
    table = make("fig3", TRUE["fig3"])
    table["train_loss"] = [
        math.nan if algo == "nag" else loss
        for algo, loss in zip(table["algo"], table["train_loss"], strict=True)
    ]
    assert set(verdicts("fig3", table)) == {"not testable"}


# Figure 2


def closed_form(k, mu=0.1, phi=1.0):
    s = math.sqrt(mu * phi)
    return (1.0 - phi * mu) ** k, (1.0 - s) ** k * (1.0 + k * s)


def test_figure_2_says_what_the_closed_forms_say():
    claims = judge("fig2", None)
    assert [claim.verdict for claim in claims] == ["holds"] * 3
    assert [claim.p_value for claim in claims] == [None] * 3
    products = [[c * (1.0 - c) for c in closed_form(k)] for k in range(1, 31)]
    gd, nag = (1 + int(np.argmax(values)) for values in zip(*products, strict=True))
    assert f"k = {gd} (gd) and k = {nag} (nag)" in claims[2].found
    gd_at_30, nag_at_30 = closed_form(30)
    assert f"{nag_at_30:.3g} and {gd_at_30:.3g} at k = 30" in claims[0].found


def test_figure_2_does_not_hold_for_algorithms_under_each_others_names():
    class NotGD(NesterovAcceleratedGradient):
        name = "gd"

    class NotNAG(GradientDescent):
        name = "nag"

    found = verdicts("fig2", None, Protocol(algos=(NotGD(), NotNAG()), k=K))
    # The product still rises and falls; only the order of the peaks is wrong.
    assert found == ["does not hold", "does not hold", "holds in part"]


def test_figure_2_needs_gd_and_nag_and_enough_k():
    only = Protocol(algos=("heavy_ball", "nag"), k=K)
    assert verdicts("fig2", None, only) == ["not testable"] * 3
    assert verdicts("fig2", None, Protocol(k=(1, 2, 3))) == ["holds", "holds", "not testable"]
    assert verdicts("fig2", None, Protocol(k=(1,))) == ["not testable"] * 3


# The tests


def test_the_p_value_is_that_of_the_paired_t_test():
    rng = np.random.RandomState(0)
    a, b = rng.standard_normal((2, 12))
    mean, p = mean_and_p(a - b)
    assert mean == pytest.approx(a.mean() - b.mean())
    assert p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9)


def test_differences_without_spread_get_the_p_of_the_sign_test():
    assert mean_and_p(np.full(8, 0.1)) == (pytest.approx(0.1), 2.0**-7)
    assert stats.binomtest(8, 8).pvalue == 2.0**-7
    assert mean_and_p(np.zeros(8)) == (0.0, 1.0)


def test_holm_is_closed_testing_with_bonferroni():
    p = np.random.RandomState(0).uniform(size=6) ** 3
    for i, adjusted in enumerate(holm(p)):
        sets = [s for n in range(1, 7) for s in combinations(range(6), n) if i in s]
        brute_force = max(min(1.0, len(s) * min(p[list(s)])) for s in sets)
        assert adjusted == pytest.approx(brute_force, rel=1e-12)


def test_trends_test_each_repetitions_least_squares_slope():
    values = np.random.RandomState(0).standard_normal((7, 6)).cumsum(axis=1)
    slopes = [np.polyfit(range(6), row, 1)[0] for row in values]
    part = trend(values, range(6), "gd", rises=True)
    assert part.p_value == pytest.approx(stats.ttest_1samp(slopes, 0.0).pvalue, rel=1e-9)


def test_a_flat_curve_has_a_peak_as_seldom_as_the_level_says():
    rng = np.random.RandomState(0)
    found = [peak(rng.standard_normal((10, 9)), K, "gd").verdict for _ in range(500)]
    # With probability 0.01 each, 500 draws give more than 12 with probability 0.002.
    assert sum(verdict != "undecided" for verdict in found) <= 12


# Bad input


def without(table, name):
    return {key: column for key, column in table.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: without(t, "gap"), r"lacks the columns \['gap'\]"),
        (lambda t: {**t, "gap": t["gap"][1:]}, "equally long"),
        (lambda t: {**t, "gap": ["much"] * len(t["gap"])}, "'gap' must hold numbers"),
        (lambda t: {**t, "k": [k + 0.5 for k in t["k"]]}, "'k' must hold whole numbers"),
        (lambda t: {name: column * 2 for name, column in t.items()}, "two rows for algo='gd'"),
        (lambda t: {name: [] for name in t}, "no rows"),
    ],
)
def test_broken_tables_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        claims_of("fig5", change(make("fig5", TRUE["fig5"])), PROTOCOL)


def test_unknown_figures_and_missing_tables_are_refused():
    with pytest.raises(ValueError, match=r"figure='fig7' is not one of \['fig2'"):
        claims_of("fig7", None, PROTOCOL)
    with pytest.raises(ValueError, match="fig3 needs a table"):
        claims_of("fig3", None, PROTOCOL)
    assert list(FIGURES) == ["fig2", *TRAINED]


def test_a_data_frame_will_do():
    pandas = pytest.importorskip("pandas")
    table = make("fig5", TRUE["fig5"])
    assert judge("fig5", pandas.DataFrame(table)) == judge("fig5", table)
