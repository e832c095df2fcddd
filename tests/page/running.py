"""Runs a page's JavaScript without a browser, in V8."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from tinygrad_edu.graph import Program
from tinygrad_edu.page.javascript import javascript


def computed(program: Program, given: dict[str, Any] | None = None) -> dict[str, Any]:
    """Every value of a program, as JavaScript computes it."""
    racer = pytest.importorskip("py_mini_racer").MiniRacer()
    source = javascript(program)
    assert not source.missing, source.missing
    values = given or {step.name: step.value for step in program.inputs}
    arrays = {
        name: {"shape": np.shape(v), "data": [told(x) for x in np.ravel(v)]} for name, v in values.items()
    }
    text = files("tinygrad_edu.page").joinpath("engine.js").read_text("utf-8")
    result = racer.eval(
        f"""{text}
        const {{array, filled, kernels: k}} = engine, found = {{}}, given = {json.dumps(arrays)};
        for (const x of Object.values(given)) x.data = x.data.map(Number);
        {source.source}
        const told = x => typeof x === "object" ? {{shape: x.shape, data: Array.from(x.data, String)}}
          : {{shape: [], data: [String(x)]}};
        const plain = Object.fromEntries(Object.entries(found).map(([name, x]) => [name, told(x)]));
        JSON.stringify(plain)"""
    )
    return {
        name: np.array([float(x.replace("Infinity", "inf")) for x in value["data"]]).reshape(value["shape"])
        for name, value in json.loads(result).items()
    }


def told(x: Any) -> str:
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(float(x)), repr(float(x)))
