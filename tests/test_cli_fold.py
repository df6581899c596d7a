"""The command that folds: what it prints is what the model predicts."""

import copy

import pytest
from estimators.folder._small_folders import MORE, SEQUENCES, STRUCTURES, folder

from sklearn_reasoning import HybridReasoningRegressor, save_model
from sklearn_reasoning.cli import main
from sklearn_reasoning.rna import Record, read_ct, read_dot_bracket, write_fasta


@pytest.fixture(scope="module")
def model():
    return folder(max_epochs=20).fit(SEQUENCES, STRUCTURES)


@pytest.fixture
def files(model, tmp_path):
    save_model(model, tmp_path / "model")
    write_fasta(tmp_path / "fasta", [Record(f"number {i}", s) for i, s in enumerate(MORE)])
    return [str(tmp_path / "fasta"), "--model", str(tmp_path / "model")]


def test_structures(model, files, capsys, tmp_path):
    assert main(["fold", *files]) == 0
    (tmp_path / "out").write_text(capsys.readouterr().out)
    found = read_dot_bracket(tmp_path / "out")
    assert [record.sequence for record in found] == MORE
    assert found[1].name == "number 1"
    for record, pairs in zip(found, model.predict_pairs(MORE), strict=True):
        assert record.pairs.tolist() == pairs.tolist()


def test_tables_of_nested_pairs(model, files, capsys, tmp_path):
    assert main(["fold", *files, "--nested", "--ct", "--k", "3"]) == 0
    (tmp_path / "out").write_text(capsys.readouterr().out)
    nested = folder().fit(SEQUENCES[:1], STRUCTURES[:1]).set_params(pseudoknots=False)
    nested.net_ = model.net_
    for record, pairs in zip(read_ct(tmp_path / "out"), nested.predict_pairs(MORE, 3), strict=True):
        assert record.pairs.tolist() == pairs.tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [("ACGU\n", "has no name above"), (">one\nAC!GU\n", "'!' at position 2"), ("", "no sequences")],
)
def test_wrong_sequences(files, content, message, capsys):
    with open(files[0], "w") as file:
        file.write(content)
    with pytest.raises(SystemExit, match="2"):
        main(["fold", *files])
    assert message in capsys.readouterr().err


def test_letters_that_the_model_refuses(model, files, capsys):
    model = copy.copy(model).set_params(unknown_letters="refuse")
    save_model(model, files[2])
    write_fasta(files[0], [Record("one", MORE[0]), Record("two", "GGGNAAACCC")])
    with pytest.raises(SystemExit, match="2"):
        main(["fold", *files])
    found = capsys.readouterr()
    assert "sequences[1] has 'N' at position 3" in found.err
    assert not found.out


def test_wrong_models(files, capsys):
    save_model(HybridReasoningRegressor(max_epochs=1).fit([[0.0], [1.0]], [0.0, 1.0]), files[2])
    for argument, message in (
        (files[2], "holds a HybridReasoningRegressor"),
        (files[0], "--model"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main(["fold", files[0], "--model", argument])
        assert message in capsys.readouterr().err
