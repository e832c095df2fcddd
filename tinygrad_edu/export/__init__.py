"""Models for other tools: ONNX files. See README.md in this folder."""

from tinygrad_edu.export.onnx_file import onnx

__all__ = ["onnx"]
