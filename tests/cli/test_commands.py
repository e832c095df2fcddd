"""The commands, as they are typed: what they say, what they write, and how they fail."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.cli import main
from tinygrad_edu.cli.drawing import written

COMMANDS = ["demo", "draw", "step", "derive", "check", "train", "predict", "export"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_draw_says_value_and_gradients_and_writes_the_picture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "3*(a+b*c)", "a=5", "b=3", "c=2", "-o", "J.svg"]) == 0
    assert capsys.readouterr().out == "J = 33\ndJ/da = 3\ndJ/db = 6\ndJ/dc = 9\nwrote J.svg\n"
    picture = re.sub("<[^>]*>", "", Path("J.svg").read_text("utf-8"))
    for text in ("dJ = 1", "da = 3", "db = 6", "dc = 9", "33"):
        assert text in picture


@pytest.mark.parametrize("file", ["J.svg", "J.png", "J.dot"])
def test_the_ending_says_what_is_written(file: str) -> None:
    assert main(["draw", "sum(x*x)", "x=[1,2]", "--output", file]) == 0
    start = Path(file).read_bytes()[:200]
    assert {"J.svg": b"<svg", "J.png": b"\x89PNG", "J.dot": b"digraph"}[file] in start


def test_the_backward_pass_can_be_drawn() -> None:
    assert main(["draw", "u = b*c; a+u", "a=1", "b=2", "c=3", "-o", "plain.svg"]) == 0
    assert main(["draw", "u = b*c; a+u", "a=1", "b=2", "c=3", "-o", "both.svg", "--backward"]) == 0
    plain, both = Path("plain.svg").read_text("utf-8"), Path("both.svg").read_text("utf-8")
    assert both.count("data-node") > plain.count("data-node")


def test_without_a_number_at_the_end_there_are_no_gradients(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "2*x", "x=[1,2]"]) == 0
    told = capsys.readouterr().out
    assert "J = [2, 4]" in told
    assert "no gradients" in told
    assert "dJ/dx" not in told


def test_draw_writes_a_page_that_walks_through() -> None:
    assert main(["draw", "3*(a+b*c)", "a=5", "b=3", "c=2", "-o", "J.html"]) == 0
    assert "<html" in Path("J.html").read_text("utf-8")


def test_an_expression_may_start_with_a_minus_sign(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "-a*b", "a=-2", "b=3"]) == 0
    assert "J = 6\n" in capsys.readouterr().out


EXAMPLE = ["derive", "u=b*c; v=a+u; J=3*v", "a=5", "b=3", "c=2"]


def derivation(wrt: list[str]) -> tg.Derivation:
    a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    u = b * c
    v = a + u
    J = 3 * v
    return tg.derive(J, wrt=wrt, names={"a": a, "b": b, "c": c, "u": u, "v": v, "J": J})


@pytest.mark.parametrize("wrt", [["a", "b", "c"], ["c"]])
def test_derive_prints_the_derivation(wrt: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sympy", reason="needs the extra 'derive'")
    assert main([*EXAMPLE, "--wrt", *wrt]) == 0
    assert capsys.readouterr().out == f"{derivation(wrt)}\n"


def test_derive_prints_the_entries_where_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sympy", reason="needs the extra 'derive'")
    assert main(["derive", "J=sum(x*x)", "x=[1,2]", "--entries"]) == 0
    assert "    dx[1] = 2 * x[1]\n" in capsys.readouterr().out


def test_derive_writes_source_that_runs() -> None:
    pytest.importorskip("sympy", reason="needs the extra 'derive'")
    assert main([*EXAMPLE, "--form", "numpy", "-o", "gradients.py"]) == 0
    space: dict[str, Any] = {}
    exec(Path("gradients.py").read_text("utf-8"), space)
    assert space["gradients"](a=5.0, b=3.0, c=2.0) == {"da": 3, "db": 6.0, "dc": 9.0}


def test_derive_has_several_forms(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sympy", reason="needs the extra 'derive'")
    expected = derivation(["a", "b", "c"])
    for form, text in {
        "latex": expected.latex(),
        "markdown": expected.markdown(),
        "text": str(expected),
    }.items():
        assert main([*EXAMPLE, "--form", form]) == 0
        assert capsys.readouterr().out.rstrip() == text.rstrip()


STUDENT = """
import numpy as np

def forward(X, Y, W1, b1):
    Z1 = W1 @ X + b1
    A1 = 1 / (1 + np.exp(-Z1))
    return -np.mean(Y * np.log(A1) + (1 - Y) * np.log(1 - A1))

def backward(X, Y, A1):
    dZ1 = A1 - Y
    return {"dZ1": dZ1, "dW1": dZ1 @ X.T / X.shape[1]}
"""


def test_check_says_which_line_of_a_file_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    Path("student.py").write_text(STUDENT, "utf-8")
    assert main(["check", "student.py"]) == 0
    told = capsys.readouterr()
    assert "2 of 2 right" in told.out
    assert told.err == "running student.py\n"
    Path("student.py").write_text(STUDENT.replace(" / X.shape[1]", ""), "utf-8")
    assert main(["check", "student.py"]) == 1
    told = capsys.readouterr()
    assert "the factor 1/m is missing" in told.out
    assert "line 11" in told.out
    assert main(["check", "student.py", "--json", "--seed", "3"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\n1 / 0\n", "line 2"),
        ("def forward(", "SyntaxError"),
        ("x = 1\n", "a function each; or compare where they stand"),
    ],
)
def test_check_of_a_file_that_cannot_be_checked_ends_with_2(
    source: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("student.py").write_text(source, "utf-8")
    assert main(["check", "student.py"]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*EXAMPLE, "--wrt", "q"], "'q' is not in this graph; it has: a, b, c"),
        (["derive", "2*x", "x=[1,2]"], "expected a scalar, got shape (2,)"),
        (["draw", "a+b", "a=1"], "tinygrad-edu draw: error: b has no value: give it one, as in b=1\n"),
        (["draw", "a", "a=1", "-o", "J.gif"], "unknown file type '.gif'"),
        (["draw", "a", "a=1", "-o", "no/such/folder/J.svg"], "there is no folder no"),
        (["draw", "x@y", "x=[1,2]", "y=[1,2,3]"], "inner dimensions 2 and 3 differ"),
        (["draw", "exp(a, axis=0)", "a=1"], "'axis' is not supported"),
        (["step", "2*x", "x=[1,2]"], "gradients start from one number, and J has shape (2,); take its sum"),
        (["step", "a*a", "a=1", "-o", "J.svg"], "J.svg: expected a name that ends in .html"),
    ],
)
def test_an_error_is_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["draw"], ["demo", "--fast"]])
def test_a_command_line_that_cannot_be_read_ends_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: tinygrad-edu" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dorw", "a", "a=1"], "did you mean draw?"),
        (["grade", "folder", "--tyme", "3"], "tinygrad-edu grade: error: there is no option --tyme"),
        (["train", "t.csv", "--target", "y", "--epocs", "3"], "did you mean --epochs"),
        (["train", "t.csv", "--target", "y", "--optimizer", "adma"], "did you mean adam or adamw?"),
        (["export", "m.npz", "m.onnx"], "there is no argument m.onnx; see tinygrad-edu export --help"),
    ],
)
def test_an_option_that_there_is_not_is_answered_by_the_command(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--help"], *([command, "--help"] for command in COMMANDS)],
)
def test_help_names_the_commands(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    told = capsys.readouterr().out
    assert all(
        command in told for command in (COMMANDS if len(arguments) == 1 else [f"tinygrad-edu {arguments[0]}"])
    )


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"tinygrad-edu {tg.__version__}\n"


def test_step_writes_the_page_that_draw_writes(capsys: pytest.CaptureFixture[str]) -> None:
    expression = ["3*(a+b*c)", "a=5", "b=3", "c=2"]
    assert main(["draw", *expression, "-o", "drawn.html"]) == 0
    assert main(["step", *expression]) == 0
    drawn, stepped = capsys.readouterr().out.split("wrote drawn.html\n")
    assert stepped == drawn + "wrote J.html\n"
    assert Path("J.html").read_bytes() == Path("drawn.html").read_bytes()


def as_a_module(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tinygrad_edu", *arguments]
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_package_runs_as_a_module() -> None:
    done = as_a_module("draw", "a*a", "a=3")
    assert (done.returncode, done.stdout) == (0, "J = 9\ndJ/da = 6\nwrote J.svg\n"), done.stderr


def test_a_terminal_that_lacks_a_sign_shows_another() -> None:
    Path("student.py").write_text(STUDENT, "utf-8")
    done = as_a_module("check", "student.py", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "? right" in done.stdout


def test_an_interruption_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinygrad_edu.cli.demo.fit", interrupted)
    assert main(["demo", "-o", "shown"]) == 130
    assert capsys.readouterr().err.endswith("tinygrad-edu demo: interrupted\n")


def test_the_demo_names_the_extra_that_it_lacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["demo", "-o", "shown"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "tinygrad_edu[sklearn]" in told


def test_written() -> None:
    assert written(np.array([[0.1, 1e-12], [2.0, 3.0]])) == "[[0.1, 1e-12], [2, 3]]"
    assert "..." in written(np.arange(1000.0))


def test_the_demo_does_its_five_steps(capsys: pytest.CaptureFixture[str]) -> None:
    for library in ("sklearn", "matplotlib"):
        pytest.importorskip(library, reason="needs the extra 'demo'")
    assert main(["demo", "-o", "shown"]) == 0
    captured = capsys.readouterr()
    told = captured.out
    assert re.findall(r"^(\d)\.", told, re.MULTILINE) == list("12345")
    assert "J = 33; da = 3, db = 6, dc = 9; du = dv = 3" in told
    tests = [float(share) for share in re.findall(r"([\d.]+)% on the test examples", told)]
    assert len(tests) == 2
    assert min(tests) >= 96.0
    assert "14 of 14 right" in told
    assert "the factor 1/m is missing" in told  # the misprint
    assert "500/500" in captured.err  # the bar
    listed = [Path(line.strip()) for line in told.partition("\n5. ")[2].splitlines()[1:]]
    assert {path.suffix for path in listed} == {".svg", ".png"}
    assert all(path.stat().st_size > 1000 for path in listed)
    assert sorted(Path("shown").iterdir()) == sorted(listed)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("check none.py", "there is no file none.py"),
        ("check folder", "folder is a folder; its files are checked by: tinygrad-edu grade"),
        ("check note.txt", "expected a .py or .ipynb file, got note.txt"),
        ("derive a*a a=1 -o none/x", "there is no folder none to write x in"),
        ("grade folder --jobs 0", "--jobs: expected a number above 0, got 0"),
        ("grade folder -o none/x.csv", "-o: there is no folder none to write x.csv in"),
        ("demo -o note.txt", "-o: expected a folder for the pictures, got note.txt"),
    ],
)
def test_a_path_or_number_that_cannot_be_is_told_in_one_line(
    command: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder").mkdir()
    Path("note.txt").write_text("hi")
    assert main(command.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"tinygrad-edu {command.split(maxsplit=1)[0]}: error: ")
    assert told in error
    assert "Errno" not in error
    assert error.count("\n") == 1
