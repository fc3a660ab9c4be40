"""Foreign text in Markdown: no page passes a name or a sentence of a file to Streamlit but through the helper."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pages.shared import words

PAGES = Path(__file__).resolve().parents[2] / "pages"

# what Streamlit reads as Markdown: the arguments by position, and those by name
FIRST = (
    "markdown caption write info warning error success badge title header subheader toast expander popover button "
    "download_button form_submit_button link_button checkbox toggle radio selectbox multiselect slider number_input "
    "text_input text_area segmented_control pills tabs spinner status dialog"
)
SINKS: dict[str, tuple[int, ...]] = dict.fromkeys(FIRST.split(), (0,))
SINKS |= {"metric": (0, 1, 2), "segmented_control": (0, 1), "pills": (0, 1), "progress": (1,), "page_link": (1,)}
SINKS |= {"write": tuple(range(9)), "image": (1,)}
NAMED = {"rest_title", "label", "body", "text", "caption", "help", "title", "delta"}

# functions whose text is safe, because of what they are made of
SAFE = {
    "plain": "the helper", "in_badge": "the helper",
    "number": "digits", "short": "digits", "counted": "digits and words of ours", "duration": "digits", "len": "digits",
    "unit": "one of our units", "example": "digits and units, checked when the description was read",
    "summary": "built of plain() and digits", "dataset_line": "built of counted() and example()",
    "model_card": "goes through plain() line by line", "paragraphs": "plain() line by line", "count": "digits",
    "preview_counts": "built of counted() and number()",
    "label_of": "names of settings in our own code", "_title": "names of settings in our own code",
}  # fmt: skip
# attributes that are text of ours: enumerations and descriptions in the code of generators, experiments and reports
# functions of ours that hand an argument on: their callers are held to the same
PASSED_ON: dict[str, tuple[int, ...]] = {
    "page": (0, 1), "nothing_yet": (0,), "choose_dataset": (), "choose_model": (), "_choice": (0,), "_file": (0,),
    "_number": (0, 4), "form_for": (), "_badge": (2,),
}  # fmt: skip
EXEMPT = {"list(measured)": "the titles of two maps, filtered from a dictionary of ours"}
OURS = {"description", "DISCLAIMER", "question", "reference", "warning", "total", "steps", "practice", "per_side"}


UNKNOWN = ast.Name(id="?")


def functions(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    """Each node → the innermost function (or module) that it is in."""
    inside: dict[ast.AST, ast.AST] = {}

    def walk(node: ast.AST, owner: ast.AST) -> None:
        inside[node] = owner
        owner = node if isinstance(node, (ast.FunctionDef, ast.Lambda)) else owner
        for child in ast.iter_child_nodes(node):
            walk(child, owner)

    walk(tree, tree)
    return inside


def called(node: ast.Call) -> str:
    if isinstance(node.func, ast.IfExp):  # (st.error if … else st.info)(…)
        return getattr(node.func.body, "attr", "")
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


class Lint:
    """Judges the expressions of one file by what they are made of."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree, self.inside = tree, functions(tree)

    def is_safe(self, node: ast.AST, depth: int = 0) -> bool:
        def safe(*parts: ast.AST) -> bool:
            return depth < 12 and all(self.is_safe(part, depth + 1) for part in parts)

        match node:
            case ast.Constant():
                return True
            case ast.JoinedStr():
                return safe(*(part for part in node.values))
            case ast.FormattedValue():
                return self._is_number(node) or safe(node.value)
            case ast.BinOp(op=ast.Add() | ast.Mod()):
                return safe(node.left, node.right)
            case ast.BinOp() | ast.Compare() | ast.UnaryOp():
                return True  # a number
            case ast.IfExp():
                return safe(node.body, node.orelse)
            case ast.BoolOp():
                return safe(*node.values)
            case ast.Dict():
                return safe(*(key for key in node.keys if key is not None))
            case ast.Tuple() | ast.List():
                return safe(*node.elts)
            case ast.Starred():
                return safe(node.value)
            case ast.GeneratorExp() | ast.ListComp():
                return safe(node.elt)
            case ast.Attribute():
                return node.attr in OURS or node.attr.isupper()
            case ast.Subscript():
                return isinstance(node.value, (ast.Name, ast.Attribute)) and safe(node.value)
            case ast.Call():
                return self._is_safe_call(node, safe)
            case ast.Name():
                return node.id.strip("_").isupper() or self._is_safe_name(node, safe)
        return False

    def _is_number(self, node: ast.FormattedValue) -> bool:
        spec = node.format_spec
        ending = spec.values[-1] if isinstance(spec, ast.JoinedStr) and spec.values else None
        text = str(ending.value) if isinstance(ending, ast.Constant) else ""
        return text[-1:] in set("dfeg%M") and bool(text)

    def _is_safe_call(self, node: ast.Call, safe: object) -> bool:
        name = called(node)
        if name in SAFE or name == "int":
            return True
        if name == "join" and isinstance(node.func, ast.Attribute):
            return self.is_safe(node.func.value) and all(self.is_safe(part) for part in node.args)
        return name in ("list", "tuple", "capitalize") and self.is_safe(node.args[0] if node.args else node.func)

    def _is_safe_name(self, node: ast.Name, safe: object) -> bool:
        """Whether all that a local variable is ever given is safe; what comes from outside is not."""
        owner = self.inside.get(node, self.tree)
        if isinstance(owner, ast.FunctionDef) and owner.name in PASSED_ON:
            parameters = [*owner.args.args, *owner.args.kwonlyargs]
            if node.id in {parameter.arg for parameter in parameters}:
                return True
        given = self._given(node.id, owner) or self._given(node.id, self.tree)
        return bool(given) and all(self.is_safe(value) for value in given)

    def _given(self, name: str, owner: ast.AST) -> list[ast.AST]:
        values: list[ast.AST] = []
        for part in ast.walk(owner):
            if isinstance(part, ast.Assign):
                for target in part.targets:
                    values += pick(target, part.value, name)
            elif isinstance(part, (ast.For, ast.comprehension)) and names(part.target) & {name}:
                iterated = part.iter
                if isinstance(iterated, ast.Call) and called(iterated) in ("zip", "enumerate"):
                    values += zipped(part.target, iterated, name)
                else:
                    values += each(part.target, self._literal(iterated, owner), name)
        return values

    def _literal(self, node: ast.AST, owner: ast.AST) -> ast.AST:
        if isinstance(node, ast.Call) and called(node) == "items" and self.is_safe(node.func.value):  # type: ignore
            return ast.List(elts=[ast.Tuple(elts=[ast.Constant(""), ast.Constant("")])])
        if isinstance(node, ast.Name):
            found = self._given(node.id, owner) or self._given(node.id, self.tree)
            return found[0] if len(found) == 1 else node
        return node


def refers(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def names(target: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}


def pick(target: ast.AST, value: ast.AST, name: str) -> list[ast.AST]:
    if refers(target, name):
        return [value]
    if isinstance(target, ast.Tuple) and name in names(target):
        if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
            return [found for t, v in zip(target.elts, value.elts, strict=True) for found in pick(t, v, name)]
        if isinstance(value, ast.Subscript):  # a row of a constant table
            return [value]
        if isinstance(value, ast.IfExp):
            return [*pick(target, value.body, name), *pick(target, value.orelse, name)]
        if isinstance(value, ast.Call) and called(value) == "label_of":
            return [value]
        return [UNKNOWN]
    return []


def each(target: ast.AST, iterated: ast.AST, name: str) -> list[ast.AST]:
    rows = iterated.elts if isinstance(iterated, (ast.Tuple, ast.List)) else [UNKNOWN]
    return [found for row in rows for found in (pick(target, row, name) or [UNKNOWN])]


def zipped(target: ast.AST, call: ast.Call, name: str) -> list[ast.AST]:
    parts = [ast.Constant(0), *call.args] if called(call) == "enumerate" else call.args
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    return [
        found
        for one, source in zip(targets, parts, strict=False)
        if name in names(one)
        for found in (each(one, source, name) if isinstance(source, (ast.Tuple, ast.List)) else [source])
    ]


def violations(source: str) -> list[str]:
    tree = ast.parse(source)
    lint, found = Lint(tree), []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        places = PASSED_ON.get(called(node))
        if places is None and not isinstance(node.func, ast.Name):
            places = SINKS.get(called(node))
        if places is None:
            continue
        given = [value for place, value in enumerate(node.args) if place in places or isinstance(value, ast.Starred)]
        given += [word.value for word in node.keywords if word.arg in NAMED]
        if called(node) == "badge" and any("plain(" in ast.unparse(value) for value in given):
            found.append(f"{node.lineno}: st.badge escapes brackets itself, use in_badge")
        foreign = [value for value in given if not lint.is_safe(value) and ast.unparse(value) not in EXEMPT]
        found += [f"{value.lineno}: {ast.unparse(value)}" for value in foreign]
    return found


@pytest.mark.parametrize("path", sorted(PAGES.rglob("*.py")), ids=lambda path: str(path.relative_to(PAGES)))
def test_foreign_text_goes_through_the_helper(path: Path) -> None:
    assert violations(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "call",
    [
        "st.markdown(path.name)",
        "st.caption(f'{info[0]} was read')",
        "column.metric('Size', value=1, label=name)",
        "row.selectbox(info['title'], options)",
        "st.error(str(error))",
        "(st.error if bad else st.info)(status.message)",
        "st.tabs([path.name])",
        "panels.nothing_yet(path.name)",
        "st.progress(0.5, text=job.title)",
        "st.button('Go', help=card)",
        "st.badge(words.plain(name))",
        "for a, b in (('x', name),): st.write(b)",
    ],
)
def test_the_lint_sees_foreign_text(call: str) -> None:
    assert violations(f"def f(path, info, name, error, status, job, card, options, row, column, bad):\n    {call}")


@pytest.mark.parametrize(
    ("foreign", "markdown"),
    [
        ("![p](http://x.org/y)", "\\!\\[p\\](http:\u2060//x.org/y)"),
        (":red[a] :material/home:", ":\u2060red\\[a\\] :\u2060material/home\\:"),
        ("one\r\n# two\n- three", "one \\# two - three"),
        ("- a", "\\- a"),
        ("1. a", "1\\. a"),
        ("<b>&lt;", "\\<b\\>\\&lt;"),
        ("www.x.org a@x.org", "www\u2060.x.org a@\u2060x.org"),
        ("a -> b", "a -\u2060\\> b"),
        ("$x$", "\\$x\\$"),
        ("\udcff\x00\u202e", "\ufffd\ufffd\ufffd"),
        ("demo-ecg, 12:\u00a0a.", "demo-ecg, 12:\u00a0a."),
    ],
)
def test_marks_lose_their_meaning_and_plain_words_stay(foreign: str, markdown: str) -> None:
    assert words.plain(foreign) == markdown


def test_a_card_keeps_its_headings_and_loads_nothing() -> None:
    assert words.card("# Title\n\n## Data\n- a ![b](http://x)") == (
        "##### Title\n\n###### Data\n\n- a \\!\\[b\\](http:\u2060//x)"
    )


def test_a_card_keeps_its_bold_words_and_tables_and_nothing_else_in_them() -> None:
    assert words.card("- **Not for** <b> by `x_y`\n\n| a | ![b](c) |\n|---|:-:|\n| **1** | $2$ |\n\nend") == (
        "- **Not for** \\<b\\> by x\\_y\n\n| a | \\!\\[b\\](c) |\n| --- | --- |\n| \\*\\*1\\*\\* | \\$2\\$ |\n\nend"
    )
    assert words.card("**![a](http://b)** and ** a ** and ****") == (
        "\\*\\*\\!\\[a\\](http:\u2060//b)\\*\\* and \\*\\* a \\*\\* and \\*\\*\\*\\*"
    )
