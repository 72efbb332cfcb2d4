"""The committed vectors of what the meter hashes, as types of this package."""

import json
from pathlib import Path
from typing import Any

from nvm_chain.meter.bindings import Binding, Level
from nvm_chain.meter.receipts import Receipt
from nvm_chain.meter.session_terms import PeriodLimit, SessionTerms
from nvm_chain.types.ids import parse_plan_id
from tests.support.vectors import FOLDER, read_hex


def _read(path: Path) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return vectors


BINDINGS = _read(FOLDER / "bindings.json")
SESSION_TERMS = _read(FOLDER / "session_terms.json")
RECEIPTS = _read(FOLDER / "receipts.json")
SIGN_INS = _read(FOLDER / "sign_ins.json")


def read_binding(vector: dict[str, Any]) -> Binding:
    """Return the binding of a vector."""
    fields = vector["binding"]
    texts = (fields[name] for name in ("method", "service", "target", "body", "id"))
    return Binding(Level(fields["level"]), *texts)


def read_terms(vector: dict[str, Any]) -> SessionTerms:
    """Return the session's terms of a vector."""
    fields = vector["terms"]
    period = fields["perPeriod"]
    return SessionTerms(
        plan_id=parse_plan_id(fields["plan"]),
        holder=fields["holder"],
        user=fields["user"],
        limit=int(fields["limit"]),
        end=fields["end"],
        per_request=None if fields["perRequest"] is None else int(fields["perRequest"]),
        per_period=None if period is None else PeriodLimit(int(period), fields["periodSeconds"]),
        services=tuple(fields["services"]),
    )


def read_receipt(vector: dict[str, Any]) -> Receipt:
    """Return the receipt of a vector."""
    fields = vector["receipt"]
    return Receipt(
        plan_id=int(fields["planId"]),
        holder=fields["holder"],
        redeemer=fields["redeemer"],
        request=read_hex(fields["request"]),
        credits=int(fields["credits"]),
        total=int(fields["total"]),
        issued_at=int(fields["issuedAt"]),
    )
