"""Sums: a small calculator over the four operations, powers, percentages and lists of numbers.

Exact fractions are used throughout. The expression is read into a syntax tree and walked here;
no Python code is run.
"""

from __future__ import annotations

import ast
import re
from fractions import Fraction
from statistics import median

from ._scene import Scene

__all__ = ["calculate", "sums"]

_EXPRESSION = re.compile(r"(?<![\w.])[-(\s]*\d[\d.,\s()*/+\-^%x×÷·]*", re.IGNORECASE)
_ASKED = re.compile(
    r"\b(?:what(?: is|'s)|how much(?: is)?|calculate|compute|evaluate|solve|work out|result of|add"
    r"|multiply|divide)\b|=\s*\??\s*$",
    re.IGNORECASE,
)
_SPOKEN = (
    (r"\bplus\b", "+"),
    (r"\bminus\b", "-"),
    (r"\btimes\b|\bmultiplied by\b|×|·", "*"),
    (r"\bdivided by\b|\bover\b|÷", "/"),
    (r"\bto the power of\b|\^", "**"),
    (r"\bsquared\b", "**2"),
    (r"\bcubed\b", "**3"),
    (r"(?<=\d)\s*x\s*(?=[\d(])", "*"),
    (r"(?<=\d)%\s+of\s+", "/100*"),
    (r"(?<=\d)\s+per ?cent of\s+", "/100*"),
    (r"(?<=\d),(?=\d{3}\b)", ""),
)
_LARGEST_POWER = 512
_MOST_DIGITS = 200


def calculate(expression: str) -> Fraction:
    """Return the exact value of an arithmetic expression.

    Raises:
        ZeroDivisionError: it divides by zero.
        OverflowError: its value, or one on the way to it, is out of reach.
        ValueError: it is no arithmetic expression.

    >>> calculate("17 * 23")
    Fraction(391, 1)
    """
    if len(expression) > 200:
        raise ValueError("the expression is too long")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        return _value(tree.body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("not an arithmetic expression") from error


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=bool()):
            raise ValueError("not a number")
        case ast.Constant(value=int() | float() as value):
            return _bounded(Fraction(str(value)))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner)
        case ast.BinOp(left=left, op=op, right=right):
            return _bounded(_apply(op, _value(left), _value(right)))
        case _:
            raise ValueError("not an arithmetic expression")


def _apply(op: ast.operator, left: Fraction, right: Fraction) -> Fraction:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case ast.FloorDiv():
            return Fraction(left // right)
        case ast.Mod():
            return left % right
        case ast.Pow():
            if right.denominator != 1 or abs(right) > _LARGEST_POWER:
                raise OverflowError("that power is out of reach")
            return Fraction(left ** int(right))
        case _:
            raise ValueError("not an arithmetic operation")


def _bounded(value: Fraction) -> Fraction:
    if max(abs(value.numerator), value.denominator).bit_length() > 4 * _MOST_DIGITS:
        raise OverflowError("that number is out of reach")
    return value


def shown(value: Fraction) -> str:
    """Return a number as people write it; "about" marks a rounded one."""
    if value.denominator == 1:
        return str(value.numerator)
    tenths = value.denominator
    for prime in (2, 5):
        while tenths % prime == 0:
            tenths //= prime
    short = f"{float(value):.10g}"
    return short if tenths == 1 and Fraction(short) == value else f"about {float(value):.6g}"


def sums(scene: Scene) -> list[str] | None:
    """Answer a sum or a question on a list of numbers; None where there is none."""
    text = scene.request
    if not text or len(text) > 2000:
        return None
    return _statistic(text) or _sum(text)


def _sum(text: str) -> list[str] | None:
    spoken = text
    for pattern, sign in _SPOKEN:
        spoken = re.sub(pattern, sign, spoken, flags=re.IGNORECASE)
    runs = [run.strip().rstrip(".,").strip() for run in _EXPRESSION.findall(spoken)]
    runs = [run for run in runs if re.search(r"\d\s*[-+*/%]+\s*[-(]*\s*\d|\)\s*[-+*/%]", run)]
    if not runs:
        return None
    run = max(runs, key=len)
    alone = len(re.sub(r"[\s=?.]", "", spoken)) - len(re.sub(r"\s", "", run)) <= 0
    if not (alone or _ASKED.search(text)):
        return None
    asked = " ".join(re.sub(r"\s*(\*\*|[*/+])\s*", r" \1 ", run).replace("**", "^").split())
    try:
        value = shown(calculate(run))
    except ZeroDivisionError:
        return [f"{asked} has no value: it divides by zero.", "It divides by zero."]
    except OverflowError:
        return [f"{asked} is out of my reach: I stop at {_MOST_DIGITS} digits.", "Out of my reach."]
    except ValueError:
        return None
    sign = "is" if value.startswith("about") else "="
    return [f"{asked} {sign} {value}", value]


def _statistic(text: str) -> list[str] | None:
    asked = re.search(
        r"\b(?:(sum|total)|(average|mean)|(median)|(largest|biggest|maximum|max|greatest|highest)"
        r"|(smallest|minimum|min|least|lowest)|(product))\b",
        text,
        re.IGNORECASE,
    )
    if not asked:
        return None
    found = re.findall(
        r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w%])", re.sub(r"(?<=\d),(?=\d{3}\b)", "", text[asked.end() :])
    )
    numbers = [Fraction(one) for one in found if len(one) < 40]
    if len(numbers) < 2:
        return None
    kind = asked[0].lower()
    if asked[1]:
        value = sum(numbers, Fraction(0))
    elif asked[2]:
        value = sum(numbers, Fraction(0)) / len(numbers)
    elif asked[3]:
        value = Fraction(median(numbers))
    elif asked[4]:
        value = max(numbers)
    elif asked[5]:
        value = min(numbers)
    else:
        value = Fraction(1)
        for one in numbers[:50]:
            value *= one
    listed = ", ".join(shown(one) for one in numbers[:12]) + (", …" if len(numbers) > 12 else "")
    return [f"The {kind} of {listed} is {shown(value)}.", shown(value)]
