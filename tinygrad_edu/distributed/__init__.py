"""Training on many machines with Dask, the examples in shards. See README.md in this folder."""

from tinygrad_edu.distributed.fitting import fit

__all__ = ["fit"]
