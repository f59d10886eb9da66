r"""A scalar reverse-mode engine, small enough to read in one sitting.

Each operation makes a :class:`Value` that remembers its parents and the derivative towards
each.  ``backward`` walks the graph once, children first, applies

.. math:: \bar v_i = \sum_{j \in \text{children}(i)} \bar v_j \, \frac{\partial v_j}{\partial v_i}.

and adds the result to each ``grad``, as torch does.  There is no recursion: a chain of a
hundred thousand operations is no deeper than one of ten.

Source: S. Linnainmaa, The representation of the cumulative rounding error of an algorithm
as a Taylor expansion of the local rounding errors, 1970 (reverse accumulation); taught in lecture 08.
"""

from __future__ import annotations

import math

from dlhelpers import checks

Number = int | float


class Value:
    """A real number that knows how it was computed.

    ``grad`` is the derivative of the output with respect to it after ``output.backward()``;
    further calls add to it, until ``zero_grad()``.

    :param data: the number.
    :param parents: what it was computed from; empty for a leaf.
    :param local: its derivative towards each parent.
    :param name: the operation.
    :raises TypeError: if a leaf is no number.
    :raises ValueError: if a leaf is not finite.
    """

    __slots__ = ("data", "grad", "parents", "locals", "name")

    def __init__(self, data: Number, parents: tuple[Value, ...] = (), local: tuple[float, ...] = (),
                 name: str = "") -> None:
        self.data = checks.number(data, "data") if not parents else float(data)
        self.grad = 0.0
        self.parents, self.locals, self.name = parents, local, name

    def __add__(self, other: Value | Number) -> Value:
        other = _value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __mul__(self, other: Value | Number) -> Value:
        other = _value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data), "*")

    def __pow__(self, power: Number) -> Value:
        power = checks.number(power, "power")  # a constant: no derivative towards it
        if self.data == 0 and power < 1 and power != 0:
            raise ValueError(f"power must be at least 1 at data = 0, where x**{power} has no derivative")
        if self.data < 0 and power != int(power):
            raise ValueError(f"power must be whole for a negative base, got {self.data}**{power}")
        slope = power * self.data ** (power - 1) if power != 0 else 0.0
        return Value(self.data**power, (self,), (slope,), f"**{power:g}")

    def exp(self) -> Value:
        """e to the power of this value."""
        result = math.exp(self.data)
        return Value(result, (self,), (result,), "exp")

    def log(self) -> Value:
        """Natural logarithm.

        :raises ValueError: unless the value is positive.
        """
        return Value(math.log(checks.positive(self.data, "data")), (self,), (1 / self.data,), "log")

    def sin(self) -> Value:
        """Sine, argument in radians."""
        return Value(math.sin(self.data), (self,), (math.cos(self.data),), "sin")

    def cos(self) -> Value:
        """Cosine, argument in radians."""
        return Value(math.cos(self.data), (self,), (-math.sin(self.data),), "cos")

    def tanh(self) -> Value:
        """Hyperbolic tangent."""
        result = math.tanh(self.data)
        return Value(result, (self,), (1 - result**2,), "tanh")

    def sigmoid(self) -> Value:
        """1 / (1 + exp(-x)), written so that it does not overflow."""
        result = 0.5 * (1 + math.tanh(0.5 * self.data))
        return Value(result, (self,), (result * (1 - result),), "σ")

    def relu(self) -> Value:
        """max(0, x); the derivative at 0 is taken as 0, as torch does."""
        return Value(max(0.0, self.data), (self,), (1.0 if self.data > 0 else 0.0,), "relu")

    def backward(self) -> None:
        """Add to ``grad`` of every value that this one depends on: one sweep, children first."""
        order = self.graph()
        # A sweep of its own: what earlier sweeps left in grad must not travel on.
        bar = {id(node): 0.0 for node in order}
        bar[id(self)] = 1.0
        for node in reversed(order):
            node.grad += bar[id(node)]
            for parent, slope in zip(node.parents, node.locals, strict=True):
                bar[id(parent)] += bar[id(node)] * slope

    def zero_grad(self) -> None:
        """Set ``grad`` of every value that this one depends on to 0: before a new step."""
        for node in self.graph():
            node.grad = 0.0

    def graph(self) -> list[Value]:
        """All values that this one depends on.

        :returns: parents before children, itself last.
        """
        order: list[Value] = []
        seen: set[int] = set()
        stack: list[tuple[Value, bool]] = [(self, False)]
        while stack:
            node, parents_done = stack.pop()
            if parents_done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent in node.parents)
        return order

    def __neg__(self) -> Value:
        return self * -1.0

    def __sub__(self, other: Value | Number) -> Value:
        return self + (-_value(other))

    def __truediv__(self, other: Value | Number) -> Value:
        return self * _value(other) ** -1

    def __rsub__(self, other: Number) -> Value:
        return _value(other) - self

    def __rtruediv__(self, other: Number) -> Value:
        return _value(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self) -> str:
        return f"Value({self.data:.6g}, grad={self.grad:.6g})"


def _value(x: Value | Number) -> Value:
    return x if isinstance(x, Value) else Value(x)
