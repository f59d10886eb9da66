"""Docstrings in one dialect: every argument of a public function has a field of its own.

    python tests/test_docstrings.py dlhelpers/checks.py     # what is wrong in these files

Read by docutils, whose field lists are what Sphinx builds on::

    :param X: (n, d) inputs; more words may follow on indented lines
    :returns: (n,) what comes back, with its shape
    :raises ValueError: when X holds no rows

Public is what has no leading underscore, at module level or in a public class.
Exempt are properties, what a base class documents, and the checkers of exercises,
whose one argument ``core.checker`` explains.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docutils import core, nodes
from docutils.parsers.rst import roles

PACKAGE = Path(__file__).resolve().parent.parent / "dlhelpers"
SOURCES = sorted(PACKAGE.rglob("*.py"))
FIELDS = {"param", "returns", "yields", "raises", "source"}
#: What torch's classes and Python's document: an override need not say it again.
FOREIGN = {"Module": {"forward", "extra_repr", "train", "load_state_dict", "state_dict"},
           "Function": {"forward", "backward"}, "Optimizer": {"step"}, "Dataset": set(),
           "Enum": set(), "NamedTuple": set(), "Protocol": set()}
#: Headings of the other dialects.
HEADING = re.compile(r"^\s*(Args|Arguments|Parameters|Returns|Raises|Yields)(:\s*$|\s*\n\s*-{3,})", re.M)
#: What docutils says when a field list is not one.
BROKEN = re.compile(r"without a blank line|unexpected (indentation|unindent)|Unexpected", re.I)

Function = ast.FunctionDef | ast.AsyncFunctionDef

for name in ("func", "class", "meth", "mod", "data", "attr", "exc", "ref", "term", "doc"):
    roles.register_generic_role(name, nodes.literal)


def public_functions(tree: ast.Module) -> Iterator[tuple[str, Function, ast.ClassDef | None]]:
    """(name, function, its class) of everything that a reader may call."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node.name, node, None
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                if isinstance(inner, Function) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner, node


def last_name(node: ast.expr) -> str:
    """``cached_property`` of ``@functools.cached_property``, ``checker`` of ``@core.checker("x")``."""
    node = node.func if isinstance(node, ast.Call) else node
    node = node.value if isinstance(node, ast.Subscript) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_exempt(function: Function, owner: ast.ClassDef | None) -> bool:
    """Properties, overloads, overrides, and the checkers of exercises."""
    decorators = {last_name(decorator) for decorator in function.decorator_list}
    if decorators & {"property", "cached_property", "setter", "overload", "checker"}:
        return True
    return owner is not None and any(_documents(base, function.name) for base in map(last_name, owner.bases))


def _documents(base: str, method: str, depth: int = 0) -> bool:
    """Whether the class called ``base``, or one it derives from, documents the method."""
    if method in FOREIGN.get(base, set()):
        return True
    for owner in _classes().get(base, []):
        for inner in owner.body:
            if isinstance(inner, Function) and inner.name == method and ast.get_docstring(inner):
                return True
        if depth < 10 and any(_documents(last_name(b), method, depth + 1) for b in owner.bases):
            return True
    return False


def _classes() -> dict[str, list[ast.ClassDef]]:
    """Every class of the package by its name."""
    if not _FOUND:
        for path in SOURCES:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    _FOUND.setdefault(node.name, []).append(node)
    return _FOUND


_FOUND: dict[str, list[ast.ClassDef]] = {}


def arguments(function: Function, owner: ast.ClassDef | None) -> list[str]:
    """Names of the arguments that need a field."""
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args)]
    static = any(last_name(d) == "staticmethod" for d in function.decorator_list)
    if owner is not None and not static:
        names = names[1:]
    names += [a.arg for a in (*([given.vararg] if given.vararg else []), *given.kwonlyargs,
                              *([given.kwarg] if given.kwarg else []))]
    return [name for name in names if not name.startswith("_")]


def may_raise(function: Function) -> bool:
    """Whether it raises ValueError or TypeError itself, or checks an argument."""
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and node.exc and last_name(node.exc) in ("ValueError", "TypeError"):
            return True
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and last_name(called.value) == "checks":
            return True
    return False


def read(docstring: str) -> tuple[list[tuple[str, str]], list[str]]:
    """([(name of a field, its text)], what docutils found broken)."""
    document = core.publish_doctree(inspect.cleandoc(docstring), settings_overrides={
        "report_level": 5, "halt_level": 6, "raw_enabled": False, "file_insertion_enabled": False,
        "syntax_highlight": "none"})
    fields = [(field[0].astext(), field[1].astext()) for field in document.findall(nodes.field)]
    messages = [m.astext() for m in document.findall(nodes.system_message)] + [
        m.astext() for m in getattr(document, "parse_messages", [])]
    return fields, [m for m in dict.fromkeys(messages) if BROKEN.search(m)]


def problems_of(function: Function, owner: ast.ClassDef | None = None) -> list[str]:
    """What is wrong with one function's docstring."""
    docstring = ast.get_docstring(function, clean=False)
    if not docstring:
        return ["has no docstring"]
    found = []
    if HEADING.search(docstring):
        found.append(f"speaks another dialect ({HEADING.search(docstring)[1]}): write `:param name:` fields")  # type: ignore[index]
    fields, broken = read(docstring)
    found += [f"docutils: {message}" for message in broken]
    wanted, seen = arguments(function, owner), []
    for label, text in fields:
        kind, _, rest = label.partition(" ")
        if kind not in FIELDS:
            found.append(f"unknown field `:{label}:`, not one of {', '.join(sorted(FIELDS))}")
        if ":param " in text or ":returns:" in text or ":raises " in text:
            found.append(f"another field stands inside the text of `:{label}:`: give it a line of its own")
        if kind != "param":
            continue
        names = [name.lstrip("\\*") for name in re.split(r"[,\s]+", rest) if name]
        if len(names) != 1:
            found.append(f"`:{label}:` must hold one name")
        for name in names:
            if name not in wanted:
                found.append(f"`:{label}:` is no argument")
            if name in seen:
                found.append(f"`:{label}:` stands twice")
            seen.append(name)
        if not text.strip():
            found.append(f"`:{label}:` says nothing")
    found += [f"no `:param {name}:`" for name in wanted if name not in seen]
    if may_raise(function) and not any(label.startswith("raises ") for label, _ in fields):
        found.append("can raise, and has no `:raises …:`")
    return found


def problems(path: Path) -> list[str]:
    """Everything that is wrong in a file, one line each."""
    found = []
    for name, function, owner in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
        if not is_exempt(function, owner):
            found += [f"{path.name}:{function.lineno} {name}: {line}" for line in problems_of(function, owner)]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_argument_is_explained(path: Path) -> None:
    found = problems(path)
    assert not found, f"{len(found)} to mend:\n" + "\n".join(found)


GOOD = '''
def f(X, y, *rest, flag=False, **more):
    """The mean of things, see :func:`g` and :math:`a_b`.

    .. math:: y = x

    :param X: (n, d) inputs,
        and where they come from
    :param y: (n,) labels
    :param rest: more of them
    :param flag: whether
    :param more: passed on
    :returns: (n,) means
    :raises ValueError: if X is empty
    """
    checks.positive(y, "y")
'''


def verdict(source: str) -> str:
    """All problems of the first function or method in a piece of code, in one line."""
    (name, function, owner), *_ = public_functions(ast.parse(source))
    return "" if is_exempt(function, owner) else "; ".join(problems_of(function, owner))


def test_what_is_right_passes() -> None:
    assert verdict(GOOD) == ""


@pytest.mark.parametrize("old, new, said", [
    ("    :param flag: whether\n", "", "no `:param flag:`"),
    ("    :param y: (n,) labels\n", "", "no `:param y:`"),
    ("    :param more: passed on\n", "", "no `:param more:`"),
    (":param X: (n, d) inputs,", ":param X, y: (n, d) inputs,", "must hold one name"),
    ("    :param X: (n, d) inputs,\n        and where they come from\n    :param y: (n,) labels\n",
     "    :param X: (n, d) inputs; :param y: labels\n", "a line of its own"),
    ("    :raises ValueError: if X is empty\n", "", "can raise"),
    (":param y: (n,) labels", ":param z: (n,) labels", "`:param z:` is no argument"),
    (":param y: (n,) labels", ":param y:", "says nothing"),
    ("    :param y: (n,) labels\n", "    :param y: (n,) labels\n    and more\n", "docutils"),
    ("    :returns: (n,) means\n", "\n    Returns:\n        means\n", "another dialect"),
    (":returns:", ":return:", "unknown field"),
    ("    :param y: (n,) labels\n", "    :param y: (n,) labels\n    :param y: again\n", "twice"),
])
def test_each_rule_can_fail(old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert said in verdict(GOOD.replace(old, new, 1))


def test_what_is_exempt() -> None:
    assert verdict("class A:\n    @property\n    def f(self):\n        pass") == ""
    assert verdict("class A(nn.Module):\n    def forward(self, x):\n        pass") == ""
    assert verdict("class A:\n    def forward(self, x):\n        pass") == "has no docstring"
    assert verdict("@core.checker('f', 'x')\ndef check_f(answer):\n    '''Says.'''") == ""
    assert verdict("class A:\n    @staticmethod\n    def f(x):\n        '''Says.'''") == "no `:param x:`"


if __name__ == "__main__":
    lines = [line for name in sys.argv[1:] or map(str, SOURCES) for line in problems(Path(name))]
    print("\n".join(lines) or "every argument is explained")
    sys.exit(bool(lines))
