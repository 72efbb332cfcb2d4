"""Statements: the movements of credits and money of a holder, a plan or a builder in a period.

A statement is built from events and compared with the chain. See docs/statements.md.
"""

from nvm_chain.statements.formats import (
    describe_statement,
    format_context,
    format_movements_csv,
    format_revenue_csv,
    format_statement_json,
)
from nvm_chain.statements.reading import read_builder_statement, read_holder_statement, read_plan_statement
from nvm_chain.statements.types import (
    HolderBalance,
    Movement,
    MovementKind,
    Ownership,
    Period,
    PlanBalance,
    Scope,
    Statement,
)
from nvm_chain.types.revenue import Revenue

__all__ = [
    "HolderBalance",
    "Movement",
    "MovementKind",
    "Ownership",
    "Period",
    "PlanBalance",
    "Revenue",
    "Scope",
    "Statement",
    "describe_statement",
    "format_context",
    "format_movements_csv",
    "format_revenue_csv",
    "format_statement_json",
    "read_builder_statement",
    "read_holder_statement",
    "read_plan_statement",
]
