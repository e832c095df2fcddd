"""Files that others read, too: ONNX models, arrays by name. See README.md in this folder."""

from tinygrad_edu.errors import answers
from tinygrad_edu.export.array_files import FileError, read, write
from tinygrad_edu.export.onnx_file import onnx

__all__ = ["FileError", "onnx", "read", "write"]

answers(__name__, "tg.export", 'tg.export.onnx(model, X, "model.onnx"), or tg.save(model, "model.npz")')
