"""Real data sets as (X, Y) in the course's layout: one example per column. See README.md in this folder."""

from tinygrad_edu.data.bundled import breast_cancer, digits
from tinygrad_edu.data.course_sets import cats, circles, flower, football, moons
from tinygrad_edu.data.layout import DataSet, Examples

__all__ = [
    "DataSet",
    "Examples",
    "breast_cancer",
    "cats",
    "circles",
    "digits",
    "flower",
    "football",
    "moons",
]
