"""Student's files and notebooks: run, recorded, compared. See README.md in this folder."""

from tinygrad_edu.check.student.checking import check_file, right_formulas
from tinygrad_edu.check.student.loading import StudentFileError

__all__ = ["StudentFileError", "check_file", "right_formulas"]
