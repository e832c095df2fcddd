"""From a recorded computation to its formulas. See README.md in this folder."""

from tinygrad_edu.derivation.derivation import Derivation
from tinygrad_edu.derivation.entry_point import derive
from tinygrad_edu.derivation.steps import DerivationStep
from tinygrad_edu.errors import answers

__all__ = ["Derivation", "DerivationStep", "derive"]

answers(__name__, "tg.derivation", "tg.derive(J)")
