"""Training on many machines with Dask, the examples in shards. See README.md in this folder."""

from tinygrad_edu.distributed.fitting import fit
from tinygrad_edu.errors import answers

__all__ = ["fit"]

answers(__name__, "tg.distributed", "tg.distributed.fit(model, X, Y, ...)")
