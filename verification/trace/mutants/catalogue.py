"""Every operator by its name, and the cross rules that no mutant can test yet because what they are about does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.mutants.operators import chains, items, links, pipeline, results, risks, rules, scenarios

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verification.trace.mutants.mutant import Operator

OPERATORS: Mapping[str, Operator] = {
    operator.name: operator
    for module in (links, items, risks, scenarios, rules, results, pipeline, chains)
    for operator in module.OPERATORS
}
"""Every operator on graph and evidence, in the order in which they run."""

OUTSTANDING: tuple[str, ...] = (
    "SOUP list = SBOM = environment in the test record: the SBOM is made from the lock with a release and compared there; the gate reads none",
    "evidence bridged from another state: no bridge lies here; its attacks are tests of their own",
    "version strings equal in label, SBOM, package and tag: a release's record binds them; the gate reads no release",
    "model hash tested = model hash released: a release's record binds them; the gate reads no release",
    "criteria signed before their first use: the first signatures are younger than the first evaluation; only the protocol was frozen before",
    "test films never looked at before the model was final: the locked cohort was made and opened once, after the weights of the release (AUD-LOCKED asks for it, and tests of its own harm it); the test films of this budget are open",
)
"""Cross rules of the traceability reference 5.9 that no mutant tests yet."""
