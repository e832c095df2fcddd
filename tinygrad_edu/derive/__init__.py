"""From a recorded computation to its formulas. See README.md in this folder."""

from tinygrad_edu.derive.derivation import Derivation
from tinygrad_edu.derive.entry import derive
from tinygrad_edu.derive.steps import DerivationStep

__all__ = ["Derivation", "DerivationStep", "derive"]
