"""The arithmetic of ``$((…))``: integers of 64 bits."""

from __future__ import annotations

import re
from collections.abc import Callable

_DEEPEST = 30
_LONGEST = 1000
_TOKEN = re.compile(
    r"\s*(0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|(?:<<|>>|[-+*/%&|^])=|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%()<>!~&|^?:=])"
)
_NUMBER = re.compile(r"\s*([-+]?)(?:0[xX]([0-9a-fA-F]+)|(\d+))\s*")
_ASSIGNS = frozenset(("=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "|=", "^="))
_Value = Callable[[], int]


def _divided(a: int, b: int) -> int:
    if not b:
        raise ValueError("division by 0")
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


_OPERATORS: dict[str, Callable[[int, int], int]] = {
    "|": lambda a, b: a | b, "^": lambda a, b: a ^ b, "&": lambda a, b: a & b,
    "==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b), ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b), ">=": lambda a, b: int(a >= b),
    "<<": lambda a, b: a << (b & 63), ">>": lambda a, b: a >> (b & 63),
    "+": lambda a, b: a + b, "-": lambda a, b: a - b,
    "*": lambda a, b: a * b, "/": _divided, "%": lambda a, b: a - b * _divided(a, b),
}  # fmt: skip
_LEVELS = (("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", ">", "<=", ">="), ("<<", ">>"), ("+", "-"),
           ("*", "/", "%"))  # fmt: skip
"""The binary operators, those that bind least first."""


def evaluate(text: str, lookup: Callable[[str], str], assign: Callable[[str, str], None]) -> int:
    """Return the value of an expression, and carry out its assignments. ValueError says why it has none."""
    return _Expression(text[:_LONGEST], lookup, assign).value()


class _Expression:
    """Each method returns a function that computes a part: a part that is not needed is not computed."""

    def __init__(self, text: str, lookup: Callable[[str], str], assign: Callable[[str, str], None]) -> None:
        self._text, self._lookup, self._assign = text.rstrip(), lookup, assign
        self._place = self._depth = 0

    def value(self) -> int:
        if not self._text:
            return 0
        computed = self._assignment()
        if self._place < len(self._text):
            raise self._error()
        return computed()

    def _error(self) -> ValueError:
        return ValueError("arithmetic syntax error")

    def _take(self, *tokens: str) -> str:
        """Take the token here, if it is one of these."""
        found = _TOKEN.match(self._text, self._place)
        if found is None or found[1] not in tokens:
            return ""
        self._place = found.end()
        return found[1]

    def _assignment(self) -> _Value:
        start = self._place
        found = _TOKEN.match(self._text, self._place)
        if found is not None and found[1].isidentifier():
            self._place = found.end()
            if operator := self._take(*_ASSIGNS):
                value, name = self._assignment(), found[1]
                return lambda: self._set(name, self._combined(operator[:-1], name, value))
        self._place = start
        return self._choice()

    def _combined(self, operator: str, name: str, value: _Value) -> int:
        return _OPERATORS[operator](self._number(name), value()) if operator else value()

    def _set(self, name: str, value: int) -> int:
        self._assign(name, str(_wrapped(value)))
        return _wrapped(value)

    def _choice(self) -> _Value:
        condition = self._binary(0)
        if not self._take("?"):
            return condition
        yes = self._assignment()
        if not self._take(":"):
            raise self._error()
        no = self._assignment()
        return lambda: yes() if condition() else no()

    def _binary(self, level: int) -> _Value:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while operator := self._take(*_LEVELS[level]):
            left = _joined(operator, left, self._binary(level + 1))
        return left

    def _unary(self) -> _Value:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("expression recursion level exceeded")
        try:
            match self._take("(", "+", "-", "!", "~", "++", "--"):
                case "(":
                    inner = self._assignment()
                    if not self._take(")"):
                        raise self._error()
                    return inner
                case "":
                    return self._operand()
                case ("++" | "--") as sign:
                    name = self._name()
                    return lambda: self._set(name, self._number(name) + (1 if sign == "++" else -1))
                case sign:
                    operand = self._unary()
                    return lambda: _signed(sign, operand())
        finally:
            self._depth -= 1

    def _operand(self) -> _Value:
        found = _NUMBER.match(self._text, self._place)
        if found is not None and not found[1]:
            self._place = found.end()
            number = _parsed(found)
            return lambda: number
        name = self._name()
        if sign := self._take("++", "--"):
            step = 1 if sign == "++" else -1
            return lambda: self._set(name, self._number(name) + step) - step
        return lambda: self._number(name)

    def _name(self) -> str:
        found = _TOKEN.match(self._text, self._place)
        if found is None or not found[1].isidentifier():
            raise self._error()
        self._place = found.end()
        return found[1]

    def _number(self, name: str) -> int:
        text = self._lookup(name)
        found = _NUMBER.fullmatch(text)
        if text.strip() and found is None:
            raise self._error()
        return _parsed(found) if found else 0


def _joined(operator: str, left: _Value, right: _Value) -> _Value:
    match operator:
        case "||":
            return lambda: int(bool(left()) or bool(right()))
        case "&&":
            return lambda: int(bool(left()) and bool(right()))
        case _:
            return lambda: _wrapped(_OPERATORS[operator](left(), right()))


def _signed(sign: str, value: int) -> int:
    return _wrapped({"+": value, "-": -value, "!": int(not value), "~": ~value}[sign])


def _parsed(found: re.Match[str]) -> int:
    sign, hexadecimal, digits = found.groups()
    if hexadecimal:
        value = int(hexadecimal, 16)
    elif digits.startswith("0") and set(digits) <= set("01234567"):
        value = int(digits, 8)
    elif digits.startswith("0"):
        raise ValueError(f"{digits}: value too great for base")
    else:
        value = int(digits)
    return _wrapped(-value if sign == "-" else value)


def _wrapped(value: int) -> int:
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)
