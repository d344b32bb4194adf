"""The summary of a plan that generate and init print."""

from __future__ import annotations

from collections import Counter

from uvlock2nix.plan import Plan


def summary(plan: Plan) -> str:
    """Summarise a plan in one line: what is taken from where."""
    counts = Counter(one.class_ for one in plan.systems[0].classes)
    shown = ", ".join(f"{count} {class_}" for class_, count in sorted(counts.items())) or "nothing to install"
    systems = ", ".join(one.system for one in plan.systems)
    return f"{plan.name}: Python {plan.python}, {systems}: {shown}"
