"""Figure 7: what is trained and measured, how it goes on, and what it refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_reasoning._support.threads import on_one_thread
from sklearn_reasoning.algorithms import GradientDescent, get_algorithm
from sklearn_reasoning.experiments import DenoisingProtocol, Protocol, reproduce
from sklearn_reasoning.experiments._command_settings import protocols_of
from sklearn_reasoning.experiments._tables import read_csv
from sklearn_reasoning.experiments.denoising._claims import denoising_claims, gaps_over_repetitions
from sklearn_reasoning.experiments.denoising._data import draw_patches, load_images
from sklearn_reasoning.experiments.denoising._figure import gap_figure
from sklearn_reasoning.experiments.denoising._protocol import PARAMETERISATIONS
from sklearn_reasoning.experiments.denoising._study import DenoisingStudy

SMALL = DenoisingProtocol(
    algos=("gd",), k=(1, 3), repetitions=2, n_patches=2, patch_size=8, max_steps=3
)
ROLES = [each.name for each in PARAMETERISATIONS]


def made_images(n=8, side=12):
    rng = np.random.default_rng(0)
    return [np.clip(np.full((side, side + i), i / n) + rng.random(), 0, 1) for i in range(n)]


def study_of(protocol):
    return DenoisingStudy(protocol, draw_patches(protocol, made_images()))


@pytest.fixture(scope="module")
def table():
    return study_of(SMALL).run()


# ---------------------------------------------------------------------- patches


def test_the_images_of_a_repetition_are_all_different_and_noise_is_the_transformer_s():
    images = made_images()
    protocol = replace(SMALL, n_patches=3, repetitions=4)
    sets = draw_patches(protocol, images)
    assert sets.clean.shape == sets.noisy.shape == (3, 8, 8, 8)
    assert sets.clean.dtype == np.float32
    for repetition in range(4):
        of_both = sets.sources[:, 2 * repetition : 2 * repetition + 2].ravel()
        assert len(set(of_both)) == 6
        assert sets.held_out[2 * repetition : 2 * repetition + 2] == [
            2 * repetition + 1,
            2 * repetition,
        ]
    # Images here are constant, so a patch tells which image it is from.
    levels = np.array([image[0, 0] for image in images], dtype=np.float32)
    np.testing.assert_array_equal(sets.clean[..., 0, 0], levels[sets.sources])
    noise = (sets.noisy - sets.clean).std()
    assert noise == pytest.approx(40 / 255, rel=0.05)  # nothing but smooth


def test_a_repetition_does_not_depend_on_how_many_follow():
    few, many = (draw_patches(replace(SMALL, repetitions=n), made_images()) for n in (2, 4))
    np.testing.assert_array_equal(few.noisy, many.noisy[:, :4])
    other = draw_patches(replace(SMALL, seed=1), made_images())
    assert not np.array_equal(other.noisy, few.noisy)
    assert not np.array_equal(few.noisy[:, 0] - few.clean[:, 0], few.noisy[:, 2] - few.clean[:, 2])


# ---------------------------------------------------------------------- the study


@on_one_thread
def test_the_gap_is_that_of_models_trained_each_way(table):
    study = study_of(SMALL)
    clean, noisy = study.patches.clean, study.patches.noisy
    for role, repetition in ((0, 1), (2, 0)):
        losses = np.empty((2, 2))
        for way in (0, 1):
            own, other = 2 * repetition + way, 2 * repetition + 1 - way
            (trained,) = study.train(PARAMETERISATIONS[role], get_algorithm("gd"), 3, [own])
            for column, number in enumerate((own, other)):
                with torch.no_grad():
                    patches = torch.from_numpy(noisy[:, [number]])
                    restored = trained.net.module_.restore(patches).numpy()[:, 0]
                squares = ((restored - clean[:, number]) ** 2).mean(axis=(1, 2))
                losses[way, column] = 255 * np.sqrt(squares).mean()
        row = [
            i
            for i in range(len(table["k"]))
            if (table["parameterisation"][i], table["k"][i], table["repetition"][i])
            == (ROLES[role], 3, repetition)
        ]
        assert len(row) == 1
        found = {name: column[row[0]] for name, column in table.items()}
        train, held_out = losses.mean(axis=0)
        assert found["train_loss"] == pytest.approx(train, rel=1e-4)
        assert found["held_out_loss"] == pytest.approx(held_out, rel=1e-4)
        assert found["gap"] == pytest.approx(held_out - train, abs=1e-3)
        assert found["gap_one_way"] == pytest.approx(losses[0, 1] - losses[0, 0], abs=1e-3)


def test_models_that_learn_nothing_have_no_gap(table):
    """With g = 0 one step of gd takes every pixel to phi x, whatever f is."""
    still = [
        i
        for i, (role, k) in enumerate(zip(table["parameterisation"], table["k"], strict=True))
        if role == ROLES[0] and k == 1
    ]
    assert len(still) == 2
    for i in still:
        assert abs(table["gap"][i]) < 1e-3
        # The two sets are not alike, which the gap of one way shows.
        assert abs(table["gap_one_way"][i]) > 0.1


def test_the_columns_and_the_order_of_rows(table):
    rows = list(zip(*(table[name] for name in list(table)[:4]), strict=True))
    assert rows == [(role, "gd", k, r) for role in ROLES for k in (1, 3) for r in (0, 1)]
    difference = np.subtract(table["held_out_loss"], table["train_loss"])
    np.testing.assert_allclose(table["gap"], difference, atol=1e-9)


def test_repetitions_may_have_weights_of_their_own():
    fresh = replace(SMALL, k=(2,), same_initial_weights=False, max_steps=1)
    models = study_of(fresh).train(PARAMETERISATIONS[1], get_algorithm("gd"), 2, [0, 1, 2])
    first = [trained.net.module_.f.weights[0] for trained in models]
    # Adam's first step is as long as its rate: what is farther apart began apart.
    assert (first[0] - first[1]).abs().max() < 0.03
    assert (first[0] - first[2]).abs().max() > 0.1


def test_a_rate_with_which_all_trainings_diverge_is_named():
    with pytest.raises(RuntimeError, match=r"All trainings of .*, gd, k = 3 .* below 1e\+30"):
        study_of(replace(SMALL, k=(3,), lr=1e30)).run()


def test_a_run_that_was_stopped_goes_on_to_the_same_table(stopped_by_file, tmp_path, capsys):
    stop = tmp_path / "stop"
    protocol = replace(SMALL, algos=("gd", stopped_by_file(stop)), k=(2,))
    uninterrupted = study_of(protocol).run()
    stop.touch()
    with pytest.raises(RuntimeError, match="stopped"):
        study_of(protocol).run(tmp_path / "kept")
    stop.unlink()
    capsys.readouterr()
    assert study_of(protocol).run(tmp_path / "kept", verbose=1) == uninterrupted
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5  # of six stacks, the first was there
    assert lines[0].startswith("under-parameterised, stopped, k = 2: 1 of 5, ")
    assert lines[-1] == "over-parameterised, stopped, k = 2: 5 of 5, 0 s left"
    # What unrolls steps is what the closed form says.
    gaps = np.reshape(uninterrupted["gap"], (3, 2, 2))
    np.testing.assert_allclose(gaps[:, 0], gaps[:, 1], atol=0.02)
    with pytest.raises(ValueError, match="differs in max_steps"):
        study_of(replace(protocol, max_steps=4)).run(tmp_path / "kept")


# ---------------------------------------------------------------------- claims and figures

K = (1, 2, 4, 8, 12)


def constructed(gap, n=8):
    """Return a table whose gaps are gap(role, algo, place of k) and paired noise."""
    rng = np.random.default_rng(0)
    rows = []
    for role in ROLES:
        for algo in ("gd", "nag"):
            for place, k in enumerate(K):
                for repetition in range(n):
                    value = gap(role, algo, place) + 0.1 * rng.standard_normal()
                    rows.append((role, algo, k, repetition, 10.0, 10.0 + value, value, value))
    names = [
        *("parameterisation", "algo", "k", "repetition"),
        *("train_loss", "held_out_loss", "gap", "gap_one_way"),
    ]
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def as_in_the_paper(role, algo, place):
    if role == "about right":
        return 5.0 - (place - (2.4 if algo == "gd" else 1.6)) ** 2
    return place * (1.0 if algo == "gd" else 1.5)


def test_the_paper_s_shapes_hold_where_they_are_and_not_where_they_are_not():
    claims = denoising_claims(constructed(as_in_the_paper))
    assert [claim.verdict for claim in claims] == ["holds"] * 6
    assert {claim.figure for claim in claims} == {"fig7"}
    assert claims[0].text == (
        "under-parameterised (f with 3 channels, g = 0): the gap rises with k"
    )
    assert "about right (f with 3 channels, g with 3)" in claims[2].text
    assert "over-parameterised (f with 20 channels, g with 3)" in claims[4].text
    false = denoising_claims(constructed(lambda *row: -as_in_the_paper(*row)))
    assert [claim.verdict for claim in false] == ["does not hold"] * 6
    flat = denoising_claims(constructed(lambda *row: 3.0))
    assert [claim.verdict for claim in flat] == ["undecided"] * 6


def test_means_and_errors_over_repetitions():
    table = constructed(as_in_the_paper)
    found = gaps_over_repetitions(table)
    assert len(found["k"]) == 30
    gaps = np.reshape(table["gap"], (30, 8))
    np.testing.assert_allclose(found["gap"], gaps.mean(axis=1))
    np.testing.assert_allclose(found["standard_error"], gaps.std(axis=1, ddof=1) / np.sqrt(8))


def test_a_table_of_something_else_is_refused():
    with pytest.raises(ValueError, match="lacks the column 'parameterisation'"):
        denoising_claims({"k": [1]})
    table = constructed(as_in_the_paper)
    table["parameterisation"][3] = "huge"
    with pytest.raises(ValueError, match="parameterisation='huge' is not one of"):
        denoising_claims(table)


def test_each_panel_draws_its_means():
    table = constructed(as_in_the_paper)
    axes = gap_figure(table, DenoisingProtocol(k=K)).axes
    means = np.reshape(table["gap"], (3, 2, 5, 8)).mean(axis=3)
    for ax, lines, role in zip(axes, means, ROLES, strict=True):
        assert ax.get_title().endswith(role)
        drawn = {line.get_label(): line for line in ax.lines}
        for algo, heights in zip(("gd", "nag"), lines, strict=True):
            np.testing.assert_allclose(drawn[algo].get_ydata(), heights)
    assert axes[0].get_ylabel() == "generalisation gap, grey levels of 255"


# ---------------------------------------------------------------------- one call


PHOTOGRAPHS = replace(SMALL, algos=("gd", "nag"), n_patches=1, patch_size=8, max_steps=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fig7")
    return folder, reproduce(["fig7"], folder, denoising=PHOTOGRAPHS, n_jobs=1, verbose=0)


def test_figure_7_alone_runs_no_other_study(made):
    folder, found = made
    names = {path.name for path in folder.iterdir()}
    pictures = {f"{name}.{kind}" for name in ("fig7", "fig7_images") for kind in ("png", "svg")}
    assert names == pictures | {
        *("denoising.json", "denoising.csv", "results.json", "report.html", "stacks")
    }
    assert found.study is None
    assert found.denoising == read_csv(folder / "denoising.csv")
    assert [claim.figure for claim in found.claims] == ["fig7"] * 6
    results = json.loads((folder / "results.json").read_text())
    assert results["denoising_settings"]["images"] == "photographs"
    assert "settings" not in results
    page = found.report.read_text()
    assert page.count("data:image/png") == 2
    assert "darken" in page
    assert "population_size" not in page  # a setting of the other study


def test_it_goes_on_beside_other_figures_and_refuses_other_settings(made):
    folder, found = made
    before = (folder / "denoising.csv").stat().st_mtime_ns
    protocol = Protocol.quick().but({"algos": ("gd",), "k": (1, 2), "q_hidden": (0,)})
    again = reproduce(["fig2", "fig7"], folder, protocol=protocol, denoising=PHOTOGRAPHS, verbose=0)
    assert {claim.figure for claim in again.claims} == {"fig2", "fig7"}
    assert again.denoising == found.denoising
    assert (folder / "denoising.csv").stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="other max_steps"):
        reproduce(["fig7"], folder, denoising=replace(PHOTOGRAPHS, max_steps=2), verbose=0)


def test_settings_go_to_the_studies_that_have_them():
    given = {"algos": ("gd",), "k": (1, 2), "seed": 3, "fig7_steps": 7, "images": "there"}
    _, denoising = protocols_of(given, ["fig7"], is_full=False)
    expected = {"algos": ("gd",), "k": (1, 2), "seed": 3, "max_steps": 7, "images": "there"}
    assert denoising == DenoisingProtocol.quick().but(expected)
    both = protocols_of({"k": (1, 2), "noise": 0.5}, ["fig5", "fig7"], is_full=True)
    assert both == (Protocol().but({"k": (1, 2), "noise": 0.5}), DenoisingProtocol(k=(1, 2)))
    # What figure 7 cannot do is no error where it is not asked for.
    assert protocols_of({"algos": ("gd", "rnn")}, ["fig6"], is_full=False)[0].algos[1] == "rnn"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["fig77"], "fig77"),
        (["fig7", "--algo", "gd", "rnn"], "'rnn' learns weights for rows of a fixed length"),
        (["fig7", "--images", "not/there"], "not/there"),
        (["fig7", "--images", "."], "400"),
        (["fig5", "--images", "."], "images is a setting of fig7"),
        (["fig7", "--mu", "0.5"], "mu has no part in fig7"),
        (["fig7", "--complexity"], "complexity=True goes with"),
        (["fig7", "--repetitions", "1"], "--repetitions"),
    ],
)
def test_bad_options_are_one_line_with_status_2(options, message, refused, tmp_path):
    assert message in refused(options, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_too_few_or_too_small_images_are_refused():
    with pytest.raises(ValueError, match=r"n_patches=50 needs 100 images.*images\]'; pip install"):
        load_images(replace(SMALL, n_patches=50))
    with pytest.raises(ValueError, match="patch_size=5000 is above"):
        load_images(replace(SMALL, n_patches=1, patch_size=5000))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"algos": ()}, TypeError, "algos"),
        ({"algos": ("gd", "gd")}, ValueError, "twice"),
        ({"algos": ("gd", GradientDescent())}, ValueError, "twice"),
        ({"k": None}, TypeError, "tuple"),
        ({"algos": ("gdd",)}, ValueError, "Did you mean 'gd'"),
        ({"k": (1, -2)}, ValueError, "-2"),
        ({"k": [1, 2]}, TypeError, "tuple"),
        ({"repetitions": 1}, ValueError, "repetitions"),
        ({"loss": "l1"}, ValueError, "loss"),
        ({"L": 1.0}, ValueError, "L"),
    ],
)
def test_bad_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        DenoisingProtocol(**settings)
