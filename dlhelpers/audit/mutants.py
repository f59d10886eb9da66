"""Changes to a syntax tree, one at a time: swapped operators and methods, dropped terms, other numbers."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from dlhelpers.audit.cells import callee

#: The helper that a scaled value is passed through; the worker puts it among the builtins.
SCALE = "__audit_scale__"
FACTORS = (0.5, 1.05, 2.0, -1.0)

_OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
_COMPARISONS: dict[type, type] = {
    ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
_PAIRS = [("sum", "mean"), ("max", "min"), ("argmax", "argmin"), ("amax", "amin"), ("sin", "cos"), ("std", "var"),
          ("cumsum", "cumprod"), ("maximum", "minimum"), ("zeros", "ones"), ("zeros_like", "ones_like"),
          ("any", "all"), ("floor", "ceil"), ("relu", "tanh"), ("ReLU", "Tanh"), ("hstack", "vstack"),
          ("sigmoid", "tanh"), ("Sigmoid", "Tanh"), ("column_stack", "vstack"), ("rand", "randn"),
          ("uniform", "standard_normal"), ("logspace", "linspace"), ("geomspace", "linspace")]
_OTHER = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])} | {
    "exp": "square", "sqrt": "square", "log": "sqrt", "square": "abs", "median": "max", "norm": "sum",
    "logsumexp": "mean", "softmax": "log_softmax", "log2": "log", "log10": "log", "diff": "cumsum",
    "inner": "multiply", "cross_entropy": "multi_margin_loss", "quantile": "mean", "prod": "sum", "log1p": "exp",
    "expm1": "exp", "ptp": "max"}
_DROPPABLE = {"abs", "sqrt", "square", "exp", "log", "tanh", "sigmoid", "relu", "cumsum", "sort", "softmax", "sign",
              "log1p", "flip", "roll", "round", "clip", "clamp", "normalize", "transpose", "inv", "detach"}
_SEEDING = {"manual_seed", "default_rng", "seed_everything", "seed", "RandomState", "Random", "Generator",
            "start", "spawn"}
_SEED_KEYWORDS = {"seed", "generator", "rng", "random_state", "dtype", "device", "label", "title", "source"}
_SILENT = {"claim", "summary", "print", "display", "isinstance", "zip", "len", "check_random_state"}
_AXES = {"axis", "dim", "keepdim", "keepdims"}


@dataclass(frozen=True)
class Mutation:
    """One change: which node (in the order of ``ast.walk``), how, and where a reader finds it."""

    node: int
    how: str
    line: int

    @property
    def gentle(self) -> bool:
        """True for a change of size only: breaking a claim by it shows that its limit is near."""
        return self.how.startswith("×") and not self.how.startswith("×-")


def mutations(tree: ast.stmt, *, within: ast.AST | None = None) -> list[Mutation]:
    """All changes of a statement that could make its values wrong.

    :param tree: a statement; claims, plots, seeds, docstrings and annotations in it are left alone.
    :param within: if given, only changes inside this node of ``tree`` (a claim's own expression).
    :returns: mutations, in the order of the tree.
    """
    banned = set() if within is not None else _untouchable(tree)
    allowed = None if within is None else {id(n) for n in ast.walk(within)}
    found, line = [], getattr(tree, "lineno", 0)
    for index, node in enumerate(ast.walk(tree)):
        if id(node) in banned or (allowed is not None and id(node) not in allowed):
            continue
        for how, _ in _changes(node):
            found.append(Mutation(index, how, getattr(node, "lineno", line)))
    return found


def apply(tree: ast.stmt, mutation: Mutation) -> ast.stmt:
    """The changed statement; the original stays as it is.

    :param tree: the statement that :func:`mutations` was asked about.
    :param mutation: one of its answers.
    :returns: a changed copy.
    """
    changed = copy.deepcopy(tree)
    target = list(ast.walk(changed))[mutation.node]
    make = dict(_changes(target))[mutation.how]
    result = _Replace(target, make()).visit(changed)
    return ast.fix_missing_locations(result)


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        """The new node in the place of the old one."""
        if node is self.old:
            return ast.copy_location(self.new, node)
        return self.generic_visit(node)


def _untouchable(tree: ast.AST) -> set[int]:
    """Nodes inside claims, plots, seeds, strings for people, annotations, defaults' positions."""
    banned: set[int] = set()

    def ban(node: ast.AST | None) -> None:
        if node is not None:
            banned.update(id(n) for n in ast.walk(node))

    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = callee(node)
            if name in ("claim", "summary", "print", "display") or name in _SEEDING:
                ban(node)
            for keyword in node.keywords:
                if keyword.arg in _SEED_KEYWORDS:
                    ban(keyword)
        elif isinstance(node, (ast.Raise, ast.Assert, ast.Import, ast.ImportFrom, ast.JoinedStr)):
            ban(node)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            for decorator in node.decorator_list:
                ban(decorator)
            if isinstance(node, ast.FunctionDef):
                ban(node.returns)
                for argument in [*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs]:
                    ban(argument.annotation)
        elif isinstance(node, ast.AnnAssign):
            ban(node.annotation)
        elif isinstance(node, ast.If) and any(isinstance(n, ast.Raise) for n in node.body):
            ban(node)  # a check of arguments: changing it makes errors, not wrong values
        elif isinstance(node, ast.Expr) and isinstance(node.value, (ast.Constant, ast.Name)):
            ban(node)
    return banned


Change = tuple[str, Callable[[], ast.AST]]


def _changes(node: ast.AST) -> Iterator[Change]:
    """The changes of one node: a name for people, and how to make the new node."""
    for kind, rule in _RULES.items():
        if isinstance(node, kind):
            yield from rule(node)


def _binary(node: ast.BinOp) -> Iterator[Change]:
    other = _OPERATORS.get(type(node.op))
    if other:
        yield f"{_sign(node.op)} → {_sign(other())}", lambda: ast.BinOp(node.left, other(), node.right)
    if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult)):
        yield f"drop {_sign(node.op)} {_short(node.right)}", lambda: node.left
    if isinstance(node.op, (ast.Add, ast.Mult)):
        yield f"drop {_short(node.left)} {_sign(node.op)}", lambda: node.right


def _unary(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
        yield f"drop {_sign(node.op)}", lambda: node.operand


def _compare(node: ast.Compare) -> Iterator[Change]:
    other = _COMPARISONS.get(type(node.ops[0]))
    if other and len(node.ops) == 1:
        yield f"{_sign(node.ops[0])} → {_sign(other())}", lambda: ast.Compare(node.left, [other()], node.comparators)


def _boolean(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or if isinstance(node.op, ast.And) else ast.And
    yield f"{_sign(node.op)} → {_sign(other())}", lambda: ast.BoolOp(other(), node.values)


def _constant(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} → {not value}", lambda: ast.Constant(not value)
    elif isinstance(value, int):
        yield f"{value} → {value + 1}", lambda: ast.Constant(value + 1)
        if value > 1:
            yield f"{value} → {value // 2}", lambda: ast.Constant(value // 2)
    elif isinstance(value, float) and value:
        for factor in FACTORS:
            yield f"×{factor:g} {value:g}", partial(ast.Constant, value * factor)
    elif value in ("mean", "sum"):
        other = "sum" if value == "mean" else "mean"
        yield f"{value} → {other}", lambda: ast.Constant(other)


def _attribute(node: ast.Attribute) -> Iterator[Change]:
    other = _OTHER.get(node.attr)
    if other and isinstance(node.ctx, ast.Load):
        yield f".{node.attr} → .{other}", lambda: ast.Attribute(node.value, other, node.ctx)
    if node.attr in ("T", "mT") and isinstance(node.ctx, ast.Load):
        yield f"drop .{node.attr}", lambda: node.value


def _name(node: ast.Name) -> Iterator[Change]:
    other = _OTHER.get(node.id) if node.id in ("max", "min", "sum", "any", "all") else None
    if other and other != "mean" and isinstance(node.ctx, ast.Load):
        yield f"{node.id} → {other}", lambda: ast.Name(other, node.ctx)


def _call(node: ast.Call) -> Iterator[Change]:
    name = callee(node)
    if name in _SILENT:
        return
    if (len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args[:2])
            and ast.dump(node.args[0]) != ast.dump(node.args[1])):
        yield (f"swap arguments of {name or 'the call'}",
               lambda: ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords))
    if name in _DROPPABLE:
        inner = node.args[0] if node.args and not isinstance(node.args[0], ast.Starred) else None
        if isinstance(node.func, ast.Attribute) and inner is None:
            inner = node.func.value
        if inner is not None:
            yield f"drop {name}()", lambda: inner
    for position, keyword in enumerate(node.keywords):
        if keyword.arg and keyword.arg not in _SEED_KEYWORDS | _AXES and isinstance(keyword.value, ast.Constant):
            yield (f"drop {keyword.arg}=",
                   partial(ast.Call, node.func, node.args, node.keywords[:position] + node.keywords[position + 1:]))


def _augmented(node: ast.AugAssign) -> Iterator[Change]:
    other = _OPERATORS.get(type(node.op))
    if other:
        yield f"{_sign(node.op)}= → {_sign(other())}=", lambda: ast.AugAssign(node.target, other(), node.value)
    yield f"drop {_short(node)}", lambda: ast.Pass()


def _statement(node: ast.Expr) -> Iterator[Change]:
    if isinstance(node.value, ast.Call) and callee(node.value) not in _SILENT | _SEEDING:
        yield f"drop {_short(node)}", lambda: ast.Pass()


def _assignment(node: ast.Assign) -> Iterator[Change]:
    if not (isinstance(node.value, ast.Call) and callee(node.value) in _SEEDING):
        yield from _scaled(node.value, lambda value: ast.Assign(node.targets, value))


def _return(node: ast.Return) -> Iterator[Change]:
    if node.value is not None:
        yield from _scaled(node.value, lambda value: ast.Return(value))


def _scaled(value: ast.expr, wrap: Callable[[ast.expr], ast.stmt]) -> Iterator[Change]:
    if isinstance(value, (ast.BinOp, ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.ListComp, ast.Tuple)):
        for factor in FACTORS:
            yield f"×{factor:g} {_short(value)}", partial(wrap, _times(value, factor))


def _times(value: ast.expr, factor: float) -> ast.expr:
    return ast.Call(ast.Name(SCALE, ast.Load()), [value, ast.Constant(factor)], [])


def _conditional(node: ast.If | ast.IfExp) -> Iterator[Change]:
    kind: Any = type(node)
    yield f"not {_short(node.test)}", lambda: kind(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)


_RULES: dict[type, Callable[..., Iterator[Change]]] = {
    ast.BinOp: _binary, ast.UnaryOp: _unary, ast.Compare: _compare, ast.BoolOp: _boolean, ast.Constant: _constant,
    ast.Attribute: _attribute, ast.Name: _name, ast.Call: _call, ast.AugAssign: _augmented, ast.Expr: _statement,
    ast.Assign: _assignment, ast.Return: _return, ast.If: _conditional, ast.IfExp: _conditional}

_SIGNS = {ast.Add: "+", ast.Sub: "−", ast.Mult: "·", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@", ast.Mod: "%",
          ast.FloorDiv: "//", ast.BitAnd: "&", ast.BitOr: "|", ast.Lt: "<", ast.Gt: ">", ast.LtE: "≤", ast.GtE: "≥",
          ast.Eq: "==", ast.NotEq: "!=", ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
          ast.USub: "−", ast.Not: "not", ast.Invert: "~", ast.And: "and", ast.Or: "or"}


def _sign(operator: ast.AST) -> str:
    return _SIGNS.get(type(operator), type(operator).__name__)


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 32 else text[:29] + "…"
