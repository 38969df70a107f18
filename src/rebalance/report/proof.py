"""What the balance did, before and after, and what other rebalance factors would leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .._proof import E_OD_SETTINGS, FLOOR_SETTINGS, Proof
from .._spread import factor_table
from .markup import Column, table
from .summary import percent

if TYPE_CHECKING:
    from ..pipeline import Result


def proof_rows(proof: Proof) -> list[tuple[str, str, str]]:
    """Name, before and after of every measure."""
    before, after = proof.before, proof.after
    rows = [
        ("smallest superclass", f"{before.smallest:,}", f"{after.smallest:,}"),
        ("largest superclass", f"{before.largest:,}", f"{after.largest:,}"),
        ("smallest / largest", f"{before.ratio:.3f}", f"{after.ratio:.3f}"),
        ("effective number of views", f"{before.effective:.1f}", f"{after.effective:.1f}"),
        ("Gini coefficient of sizes", f"{before.gini:.3f}", f"{after.gini:.3f}"),
    ]
    if proof.sampling is not None:
        scf, e_od = proof.sampling.scf, proof.sampling.e_od
        rows.append(("SCF", f"{scf[0]:.3f}", f"{scf[1]:.3f}"))
        rows.append(("E_od", f"{e_od[0]:.3f}", f"{e_od[1]:.3f}"))
    return rows


def sampling_note(proof: Proof) -> str:
    """What the measures of sampling were computed for; empty without them."""
    if proof.sampling is None:
        return ""
    return (
        f"SCF (sampling compensation factor): {FLOOR_SETTINGS}; E_od: {E_OD_SETTINGS}; "
        f"symmetry {proof.sampling.symmetry}."
    )


def proof_lines(result: Result) -> list[str]:
    """The measures for the terminal."""
    if result.proof is None:
        return []
    rows = [("", "before", "after"), *proof_rows(result.proof)]
    lines = [f"{name:<26}{before:>12}{after:>12}" for name, before, after in rows]
    note = sampling_note(result.proof)
    return [*lines, *([note] if note else [])]


def proof_table(result: Result) -> str:
    """The measures as a table of the page."""
    if result.proof is None:
        return ""
    columns = [Column("Measure", number=False), Column("Before"), Column("After")]
    return table("How evenly particles are spread", columns, proof_rows(result.proof))


def _factor_rows(result: Result) -> Iterator[list[str]]:
    """Heading, a row for each superclass, and all of them."""
    sizes = result.balance.sizes
    grid = factor_table(sizes)
    yield ["superclass", "particles", *(str(factor) for factor in grid.factor)]
    for k, size in enumerate(sizes):
        yield [str(k), f"{size:,}", *(f"{kept:,}" for kept in grid.kept[:, k])]
    totals = grid.kept.sum(axis=1)
    yield ["all", f"{sizes.sum():,}", *(f"{total:,}" for total in totals)]
    yield ["share", "100.0 %", *(percent(int(total), int(sizes.sum())) for total in totals)]


def factor_lines(result: Result) -> list[str]:
    """Particles kept by rebalance factor, for the terminal."""
    rows = list(_factor_rows(result))
    width = max(7, *(len(cell) for row in rows for cell in row[1:]))
    title = "Particles that each superclass would keep, by rebalance factor:"
    return [title, *(f"{row[0]:>10}" + "".join(f"  {c:>{width}}" for c in row[1:]) for row in rows)]


def factor_grid(result: Result) -> str:
    """Particles kept by rebalance factor, as a table of the page."""
    heading, *rows = _factor_rows(result)
    columns = [Column(name.capitalize()) for name in heading]
    return table("Particles kept, by rebalance factor", columns, rows)
