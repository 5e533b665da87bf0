"""`make bench` names benchmarks that there are, and flags that they have."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TREE = ast.parse((BENCHMARKS / "run_all.py").read_text())
NAMES = next(
    ast.literal_eval(node.value)
    for node in TREE.body
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NAMES"
)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_script_that_runs_without_flags(name):
    source = (BENCHMARKS / f"{name}.py").read_text()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    arguments = [call for call in calls if ast.unparse(call.func).endswith("add_argument")]
    assert "__main__" in source
    for call in arguments:
        flag = ast.literal_eval(call.args[0]) if isinstance(call.args[0], ast.Constant) else "--"
        optional = any(word.arg in ("nargs", "default") for word in call.keywords)
        assert flag.startswith("-") or optional, f"{name}.py wants {flag}"
        assert not any(word.arg == "required" and word.value.value for word in call.keywords)
