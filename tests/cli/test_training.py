"""``train``, ``predict`` and ``export``, as somebody uses them who has a csv file and an empty folder."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.cli import main
from tinygrad_edu.cli.modelfile import read_recipe
from tinygrad_edu.data.table import read_table


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, columns: dict[str, Any], separator: str = ",") -> str:
    with Path(name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return name


def customers(m: int = 240, seed: int = 0) -> dict[str, Any]:
    """A table as people have them: gaps, text, a constant, an index without a name, a name for each row."""
    rng = np.random.default_rng(seed)
    age, income = rng.uniform(18, 80, m), rng.normal(40, 10, m)
    city = rng.choice(["Bonn", "Köln", "Aachen"], m)
    score = 0.1 * (age - 50) + 0.1 * (income - 40) + 2 * (city == "Köln")
    return {
        "": range(m),
        "age": ["" if k % 20 == 3 else f"{a:.1f}" for k, a in enumerate(age)],
        "income": [f"{x:.3f}" for x in income],
        "city": ["NA" if k % 40 == 5 else c for k, c in enumerate(city)],
        "country": ["DE"] * m,
        "name": [f"n{k}" for k in range(m)],
        "buys": np.where(score > 0, "yes", "no").tolist(),
        "level": np.digitize(score, [-2, 2]).tolist(),
        "price": [f"{100 + 3 * s:.4f}" for s in score],
    }


TARGETS = ["buys", "level", "price"]


def train(target: str, *more: str, file: str = "data.csv") -> list[str]:
    without = [word for name in TARGETS if name != target for word in ("--without", name)]
    return ["train", file, "--target", target, *without, "--epochs", "40", "--hidden", "8", *more]


def reported(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The error, which is one line; and nothing was written."""
    before = sorted(Path().iterdir())
    assert main([*arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert sorted(Path().iterdir()) == before
    return told.err


def test_a_newcomer_trains_and_reads_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", customers())
    assert main(train("buys", "--hidden", "20,7", "-o", "m.safetensors")) == 0
    told = capsys.readouterr().out
    for line in (
        "data.csv: 240 rows, to learn 'buys'",
        "from 3 columns, X has 6 rows: age, income, city=Aachen, city=Bonn, city=Köln, city=(other)",
        "note: column 1: left out, since it has no name",
        "values are missing; filled with the median of the training examples",
        "values are missing; counted as 'other'",
        "note: country: left out, since it is 'DE' in every training example",
        "note: name: left out, since it has 192 different texts in 192 rows",
        "MLP([6, 20, 7, 1], 'relu', output='sigmoid'), 295 parameters",
        "40 times through 192 examples in batches of 64, Adam(lr=0.01); 48 kept for the test",
        "on the training examples: accuracy",
        "on the test examples: for 'yes': precision",
        "wrote m.safetensors",
    ):
        assert line in told
    assert tg.load("m.safetensors").sizes == [6, 20, 7, 1]


@pytest.mark.parametrize(
    ("target", "output", "worth"),
    [("buys", "sigmoid", "accuracy"), ("level", "softmax", "accuracy"), ("price", "linear", "r2")],
)
def test_the_target_decides_the_output_and_it_is_learnt(
    target: str, output: str, worth: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("data.csv", customers())
    report = reported(capsys, *train(target, "-o", "m.npz"))
    assert tg.load("m.npz").output == output
    assert report["cost"]["last"] < report["cost"]["first"] / 2
    assert report["test"][worth] > 0.8
    assert report["train"]["examples"] + report["test"]["examples"] == report["rows"] == 240
    assert sum(report["classes"].values()) == (240 if output != "linear" else 0)


def test_the_task_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", customers())
    report = reported(capsys, *train("level"))
    assert "level: whole numbers, taken for classes; --task numbers takes them as numbers" in report["notes"]
    for task in ("numbers", "regression"):
        assert reported(capsys, *train("level", "--task", task))["task"] == "numbers"
        assert tg.load("model.safetensors").output == "linear"
    assert "expected numbers, got 'no' in line" in refused(capsys, *train("buys", "--task", "numbers"))
    assert "too many for classes" in refused(capsys, *train("price", "--task", "classes"))


def test_the_metrics_are_those_of_scikit_learn(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="needs the extra 'sklearn'")
    table = customers()
    write("data.csv", table)
    for target in TARGETS:
        reported(capsys, *train(target))
        found = reported(capsys, "predict", "model.safetensors", "data.csv")
        if target == "price":
            truth, given = np.array(table[target], float), np.array(found["answers"])
            expected = {
                "r2": metrics.r2_score(truth, given),
                "root_mean_squared_error": metrics.mean_squared_error(truth, given) ** 0.5,
                "mean_absolute_error": metrics.mean_absolute_error(truth, given),
            }
        else:
            truth, given = [str(y) for y in table[target]], found["answers"]
            expected = {"accuracy": metrics.accuracy_score(truth, given)}
            assert found["metrics"]["confusion"] == metrics.confusion_matrix(truth, given).tolist()
        if target == "buys":
            expected |= {
                "precision": metrics.precision_score(truth, given, pos_label="yes"),
                "recall": metrics.recall_score(truth, given, pos_label="yes"),
                "f1": metrics.f1_score(truth, given, pos_label="yes"),
            }
        assert {name: found["metrics"][name] for name in expected} == pytest.approx(expected)


def test_columns_are_prepared_as_scikit_learn_would(capsys: pytest.CaptureFixture[str]) -> None:
    pandas = pytest.importorskip("pandas", reason="needs the extra 'data'")
    pytest.importorskip("sklearn", reason="needs the extra 'sklearn'")
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    write("data.csv", customers())
    reported(capsys, *train("buys", "--test", "0"))
    _, recipe = read_recipe(Path("model.safetensors"))
    frame = pandas.read_csv("data.csv")
    numbers = SimpleImputer(strategy="median").fit_transform(frame[["age", "income"]])
    words = pandas.get_dummies(frame["city"].fillna("(other)"))[["Aachen", "Bonn", "Köln", "(other)"]]
    expected = StandardScaler().fit_transform(np.hstack([numbers, words.to_numpy(float)])).T
    np.testing.assert_allclose(recipe.X(read_table("data.csv")), expected, atol=1e-12)


def test_nothing_is_learnt_from_the_test_rows(capsys: pytest.CaptureFixture[str]) -> None:
    table = customers() | {"row": [str(k) for k in range(240)]}
    write("data.csv", table)
    reported(capsys, *train("price", "--without", "row"))
    model, recipe = read_recipe(Path("model.safetensors"))
    _, _, test = tg.data.split(np.arange(240)[None], np.array([table["price"]], float), stratify=False)
    kept = {int(k) for k in test.X[0]}
    for name, value in {"age": "1000", "income": "-77", "city": "Rom", "price": "5"}.items():
        table[name] = [value if k in kept else v for k, v in enumerate(table[name])]
    write("data.csv", table)
    reported(capsys, *train("price", "--without", "row", "-o", "other.npz"))
    other, other_recipe = read_recipe(Path("other.npz"))
    assert recipe.to_data() == other_recipe.to_data()
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, other.state_dict()[name])


def test_the_seed_decides_everything(capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", customers())
    runs = [reported(capsys, *train("buys", "--seed", seed)) for seed in "112"]
    assert runs[0] == runs[1] != runs[2]


def test_predict_answers_by_the_names_of_columns(capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", customers())
    reported(capsys, *train("buys"))
    new = customers(30, seed=1)
    write("new.csv", new)
    expected = reported(capsys, "predict", "model.safetensors", "new.csv")
    model, recipe = read_recipe(Path("model.safetensors"))
    np.testing.assert_array_equal(
        expected["probabilities"]["yes"], model.predict_proba(recipe.X(read_table("new.csv")))[0]
    )
    turned = {name: new[name] for name in ("city", "income", "age")}
    write("turned.csv", turned)
    found = reported(capsys, "predict", "model.safetensors", "turned.csv")
    assert found["answers"] == expected["answers"]
    assert found["metrics"] is None
    write("more.csv", turned | {"shoe": range(30)})
    found = reported(capsys, "predict", "model.safetensors", "more.csv")
    assert found["notes"][0] == "ignored column that the model does not read: shoe"
    assert found["answers"] == expected["answers"]
    write("less.csv", {"Ages": new["age"], "city": new["city"], "income": new["income"]})
    told = refused(capsys, "predict", "model.safetensors", "less.csv")
    assert "the model reads the column 'age', which it does not have; did you mean 'Ages'?" in told


def test_predict_writes_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", customers())
    reported(capsys, *train("level"))
    assert main(["predict", "model.safetensors", "data.csv"]) == 0
    told = capsys.readouterr()
    assert "compared with 'level' in data.csv: accuracy" in told.err
    assert main(["predict", "model.safetensors", "data.csv", "-o", "out.csv"]) == 0
    assert capsys.readouterr().out == "wrote out.csv: 240 rows\n"
    assert Path("out.csv").read_text("utf-8") == told.out
    rows = list(csv.DictReader(told.out.splitlines()))
    assert [row["name"] for row in rows] == customers()["name"]
    for row in rows:
        shares = {k: float(row[f"P(level={k})"]) for k in "012"}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert row["predicted level"] == max(shares, key=lambda k: shares[k])
    assert main(["predict", "model.safetensors", "out.csv", "-o", "again.csv"]) == 0
    assert Path("again.csv").read_text("utf-8") == told.out
    capsys.readouterr()
    assert "out.csv is read here" in refused(
        capsys, "predict", "model.safetensors", "out.csv", "-o", "out.csv"
    )


def test_new_values_count_as_other_and_text_for_a_number_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("data.csv", customers())
    reported(capsys, *train("buys"))
    write("new.csv", {"age": ["30", ""], "income": ["40", "40"], "city": ["Rom", ""]})
    notes = reported(capsys, "predict", "model.safetensors", "new.csv")["notes"]
    assert any("city: 1 of 2 values did not occur" in note for note in notes)
    assert any("age: 1 of 2 values is missing; filled with the median" in note for note in notes)
    write("new.csv", {"age": ["30", "old"], "income": ["40", "40"], "city": ["Rom", ""]})
    told = refused(capsys, "predict", "model.safetensors", "new.csv")
    assert "column 'age': expected a number, or nothing where it is missing, got 'old' in line 3" in told
    write("new.csv", {"age": ["30"], "income": ["40"], "city": ["Bonn"], "buys": ["perhaps"]})
    found = reported(capsys, "predict", "model.safetensors", "new.csv")
    assert found["metrics"] is None
    assert "'perhaps', which is none of the classes no, yes" in found["notes"][-1]


@pytest.mark.parametrize("target", TARGETS)
def test_an_exported_model_answers_the_same(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx", reason="needs the extra 'onnx'")
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    write("data.csv", customers())
    reported(capsys, *train(target))
    told = reported(capsys, "export", "model.safetensors", "-o", "m.onnx")
    assert [row.partition(":")[0] for row in told["rows"]] == [
        "age",
        "income",
        "city",
        "city",
        "city",
        "city",
    ]
    model, recipe = read_recipe(Path("model.safetensors"))
    X = recipe.X(read_table("data.csv"))
    session = runtime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: recipe.scaling.back(X)})
    expected = model.predict_proba(X)
    if target == "price":
        expected = expected * recipe.target.deviation + recipe.target.mean
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert main(["export", "model.safetensors"]) == 0
    said = capsys.readouterr().out
    assert "not in the file: filling in missing values; turning text into rows of 0 and 1" in said


def test_a_model_of_tg_save_is_exported_and_does_not_predict(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx", reason="needs the extra 'onnx'")
    tg.save(tg.nn.MLP([3, 4, 2], output="softmax"), "own.npz")
    assert main(["export", "own.npz", "-o", "own.onnx"]) == 0
    assert "in the file: the network alone" in capsys.readouterr().out
    write("data.csv", customers())
    assert "a model without the columns of a table" in refused(capsys, "predict", "own.npz", "data.csv")


def test_the_cost_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra 'plot'")
    write("data.csv", customers())
    report = reported(capsys, *train("buys", "--plot", "cost.png"))
    assert report["files"] == {"model": "model.safetensors", "plot": "cost.png"}
    assert Path("cost.png").read_bytes().startswith(b"\x89PNG")


def test_a_missing_extra_is_named_before_training(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("data.csv", customers())
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert "tinygrad_edu[plot]" in refused(capsys, *train("buys", "--plot", "cost.png"))


def test_the_file_holds_data_and_a_damaged_one_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", customers())
    reported(capsys, *train("buys"))
    _, meta = tg.export.read("model.safetensors")
    target = meta["about"]["table"]["target"]
    assert target == {"name": "buys", "classes": ["no", "yes"], "mean": 0, "deviation": 1}
    whole = Path("model.safetensors").read_bytes()
    Path("model.safetensors").write_bytes(whole[:-1])
    assert "cut off" in refused(capsys, "predict", "model.safetensors", "data.csv")


@pytest.mark.parametrize(
    "change",
    [
        {"features": [{"name": "age"}]},
        {"features": [{"name": "age", "median": 1.0}]},
        {"deviation": [0.0] * 6},
        {"mean": "nothing"},
        {"target": {"name": "buys", "classes": ["a", "b", "c"], "mean": 0, "deviation": 1}},
        {"target": {"name": "buys", "classes": "ab", "mean": 0, "deviation": 1}},
        {"target": None},
    ],
)
def test_a_recipe_that_fits_no_model_is_refused(
    change: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    write("data.csv", customers())
    reported(capsys, *train("buys", "--epochs", "1"))
    model, recipe = read_recipe(Path("model.safetensors"))
    tg.save(model, "m.npz", about={"table": recipe.to_data()})
    assert main(["predict", "m.npz", "data.csv"]) == 0
    capsys.readouterr()
    tg.save(model, "m.npz", about={"table": recipe.to_data() | change})
    assert "m.npz: it" in refused(capsys, "predict", "m.npz", "data.csv")


def rows(m: int, **columns: Any) -> dict[str, Any]:
    return {name: [value(k) for k in range(m)] for name, value in columns.items()}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (rows(9, a=str, y=lambda k: "no"), "every row has 'no', so there is nothing to learn"),
        (rows(9, a=str, y=lambda k: 3), "every row has '3', so there is nothing to learn"),
        (rows(9, a=str, Y_=lambda k: k % 2), "no column 'y'; did you mean 'Y_'?; it has a, Y_"),
        (rows(600, a=str, y=lambda k: f"c{k % 500}"), "500 different texts in 600 rows are too many"),
        (rows(9, a=str, y=lambda k: "?"), "column 'y': no row has a value"),
        (rows(20, a=lambda k: 1, b=lambda k: "x", y=lambda k: k % 2), "no column is left to learn 'y' from"),
        (rows(2, y=lambda k: k % 2), "no column is left to learn 'y' from"),
        (
            rows(40, a=lambda k: "7 kg" if k == 7 else k, y=lambda k: k % 2),
            "'7 kg' in line 9 is none; correct it, leave it empty for a missing value, or leave",
        ),
        (
            rows(8, a=lambda k: (-1) ** k * 1e308, y=lambda k: k // 4),
            "its numbers are too large to be scaled",
        ),
        ({}, "data.csv is empty"),
        ({"a": [], "y": []}, "data.csv has no rows; its first line names the columns a, y"),
    ],
)
def test_what_cannot_be_learnt_is_one_clear_line(
    columns: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("data.csv", columns)
    assert said in refused(capsys, "train", "data.csv", "--target", "y")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "data.csv is empty"),
        (b"a,y\n1,0\n1,2,3\n", "data.csv, line 3: 3 values, and the first line names 2 columns"),
        (b'a,y\n"1\n2",0\n1\n', "data.csv, line 4: 1 values"),
        (b"a,a,y\n1,1,0\n", "several columns are called 'a'"),
        (b'a,"y\n1,0\n', "cannot be read as csv"),
        (b"\xff\xfea\x00", "not text in UTF-8"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(
    content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("data.csv").write_bytes(content)
    assert said in refused(capsys, "train", "data.csv", "--target", "y")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--epochs", "0"], "--epochs: expected a whole number from 1 on, got 0"),
        (["--batch-size", "-1"], "--batch-size: expected a whole number from 0 on"),
        (["--lr", "nan"], "--lr: expected a number above 0"),
        (["--l2", "-1"], "--l2: expected a number from 0 on"),
        (["--test", "1"], "--test: expected a share from 0 to below 1"),
        (["-o", "model.pkl"], "expected a name that ends in .npz or .safetensors"),
        (["-o", "no/folder/m.npz"], "there is no folder"),
        (["--plot", "cost.gif"], "expected a name that ends in"),
        (["--without", "citi"], "no column 'citi'; did you mean 'city'?"),
        (["--optimizer", "sgd", "--lr", "1e6"], "so no model was written; try a smaller learning rate"),
    ],
)
def test_settings_that_cannot_be_are_one_clear_line(
    more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("data.csv", customers())
    assert said in refused(capsys, *train("price", *more))


def test_a_file_of_another_kind_is_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", customers())
    assert "there is no file m.npz" in refused(capsys, "predict", "m.npz", "data.csv")
    assert "data.csv is no model file" in refused(capsys, "predict", "data.csv", "data.csv")


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "momentum", "nesterov", "sgd"])
def test_each_optimizer_learns_by_its_own_rate(optimizer: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", customers())
    cost = reported(capsys, *train("buys", "--optimizer", optimizer, "--l2", "0.1", "--activation", "tanh"))
    assert cost["cost"]["last"] < cost["cost"]["first"]


def test_few_rows_and_no_test_work(capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", {"x": [1, 2], "y": ["a", "b"]})
    report = reported(capsys, "train", "data.csv", "--target", "y", "--test", "0", "--hidden", "")
    assert report["test"] is None
    assert report["train"]["accuracy"] == 1
    assert main(["train", "data.csv", "--target", "y"]) == 0
    assert "none kept for the test" in capsys.readouterr().out


def test_rows_without_a_target_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", rows(20, x=str, y=lambda k: "" if k < 4 else k % 2))
    report = reported(capsys, "train", "data.csv", "--target", "y")
    assert report["rows"] == 16
    assert "4 of 20 rows have no 'y' and are left out" in report["notes"]


def test_a_table_with_semicolons_has_decimal_commas(capsys: pytest.CaptureFixture[str]) -> None:
    english, german = customers(), customers()
    german["age"] = [v.replace(".", ",") for v in german["age"]]
    german["income"] = [v.replace(".", ",") for v in german["income"]]
    write("data.csv", english)
    write("german.csv", german, ";")
    runs = [reported(capsys, *train("buys", file=file)) for file in ("data.csv", "german.csv")]
    for run in runs:
        del run["data"]
    assert runs[0] == runs[1]


def test_a_long_output_may_be_cut_off_by_its_reader(capsys: pytest.CaptureFixture[str]) -> None:
    write("data.csv", customers())
    reported(capsys, *train("buys", "--epochs", "1"))
    write("many.csv", customers(5000))
    command = [sys.executable, "-m", "tinygrad_edu", "predict", "model.safetensors", "many.csv"]
    root = str(Path(__file__).resolve().parents[2])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PYTHONPATH": root}
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"column 1,age")
        process.stdout.close()
        told = process.stderr.read().decode()
    assert process.returncode == 0
    assert "error" not in told
    assert "Traceback" not in told
