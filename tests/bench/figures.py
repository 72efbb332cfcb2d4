"""Figures of a bench, as a table or as one JSON object."""

import json
from collections.abc import Mapping
from typing import TypedDict


class Figure(TypedDict):
    """One figure: its value, its unit, and its target, if it has one."""

    value: float
    unit: str
    aim: str


def print_figures(suite: str, figures: Mapping[str, Figure], *, as_json: bool) -> None:
    """Print the figures of a suite."""
    if as_json:
        print(json.dumps({"suite": suite, "figures": figures}))
        return
    for name, figure in figures.items():
        print(f"{name:26} {figure['value']:>10} {figure['unit']:38} {figure['aim']}".rstrip())
