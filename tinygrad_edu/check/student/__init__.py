"""Student's files and notebooks: run, recorded, compared. See README.md in this folder."""

from tinygrad_edu.check.student.checking import check_file, right_formulas
from tinygrad_edu.check.student.loading import StudentFileError
from tinygrad_edu.errors import answers

__all__ = ["StudentFileError", "check_file", "right_formulas"]

answers(__name__, "tg.check.student", 'tg.check.student.check_file("student.py")')
