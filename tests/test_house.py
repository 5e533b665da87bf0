"""The rules of the house: nothing outside kinds/ asks what kind a model is, no import circle, no room that bulges."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from latentia.kinds import KINDS

SRC = Path(__file__).parent.parent / "src" / "latentia"
FILES = sorted(SRC.rglob("*.py"))
ESTIMATORS = [name for kind in KINDS.values() for name in kind.estimators]
CATALOGS = ("CATALOG", "DISCRETE", "DENSITY_MODELS", "MIXTURES")
MOST_LINES, MOST_IN_A_FUNCTION, DEEPEST = 300, 60, 3


def outside_kinds():
    return [path for path in FILES if path.relative_to(SRC).parts[:2] not in _KINDS_HOMES]


_KINDS_HOMES = {("kinds", kind.name) for kind in KINDS.values()}
# The plain list of kinds and public names (of estimators, and of the modules that are called as they are).
_LISTS = {"kinds/__init__.py", "__init__.py", "models/__init__.py"}


def name_of(path):
    return str(path.relative_to(SRC))


def code_of(path):
    """The code without docstrings and comments."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and ast.get_docstring(node):
            node.body[0].value.value = ""  # type: ignore[attr-defined]
    return ast.unparse(tree)


@pytest.mark.parametrize("path", outside_kinds(), ids=name_of)
def test_nothing_outside_kinds_asks_what_kind_a_model_is(path):
    code = code_of(path)
    names = "|".join([*ESTIMATORS, "[A-Za-z]+Run"])
    asked = re.findall(
        rf"isinstance\([^()]*, *\(?(?:{names})\b[^()]*\)|type\([^()]*\)\.__name__ *[!=]=.*", code
    )
    if name_of(path) not in _LISTS:
        asked += re.findall(rf"""["'](?:{"|".join(ESTIMATORS)})["']""", code)
        asked += re.findall(rf"\bin (?:{'|'.join(CATALOGS)})\b", code)
    assert not asked


def test_no_import_circle():
    import networkx
    from grimp import build_graph

    graph = build_graph("latentia", cache_dir=None)
    arrows = networkx.DiGraph(
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    )
    assert [
        sorted(circle) for circle in networkx.strongly_connected_components(arrows) if len(circle) > 1
    ] == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_room_bulges(path):
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            doc = node.body[0] if ast.get_docstring(node) else None
            length = node.end_lineno - node.lineno + 1
            if doc is not None and doc.end_lineno is not None:
                length -= doc.end_lineno - doc.lineno + 1
            assert length <= MOST_IN_A_FUNCTION, node.name


def test_estimators_are_at_most_three_levels_above_scikit_learn():
    for kind in KINDS.values():
        for name in kind.estimators:
            assert depth(kind.estimator(name)) <= DEEPEST, name


def depth(cls):
    """The longest way up through classes of this library."""
    bases = [base for base in cls.__bases__ if base.__module__.startswith("latentia.")]
    return 1 + max(map(depth, bases), default=0)
