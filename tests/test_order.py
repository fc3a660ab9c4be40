"""Tests are collected in one order in every process, so that they can be shared out among several."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent


def is_unordered(node: ast.AST) -> bool:
    """Whether an expression is a set: written out, made by set() or by arithmetic on keys."""
    if isinstance(node, (ast.Set, ast.SetComp)):
        return True
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", "") in ("set", "frozenset")
    return isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.Add, ast.Mult))


def cases(source: str) -> list[ast.AST]:
    """What the tests of a file are parametrised by."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call.args[1] for call in calls if getattr(call.func, "attr", "") == "parametrize" and len(call.args) > 1]


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_cases_have_an_order(path: Path) -> None:
    assert [ast.unparse(node) for node in cases(path.read_text(encoding="utf-8")) if is_unordered(node)] == []


@pytest.mark.parametrize("given", ["{1, 2}", "set(a)", "A.keys() - {'x'}", "{x for x in a}"])
def test_the_lint_sees_a_set(given: str) -> None:
    (node,) = cases(f"@pytest.mark.parametrize('a', {given})\ndef test(a): pass")
    assert is_unordered(node)
