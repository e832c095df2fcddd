"""Real data sets as (X, Y) in the course's layout: one example per column. See README.md in this folder."""

from tinygrad_edu.data.bundled import breast_cancer, digits
from tinygrad_edu.data.course_sets import cats, circles, flower, football, moons
from tinygrad_edu.data.files import Labelled, csv, image_folder
from tinygrad_edu.data.layout import DataSet, Examples
from tinygrad_edu.data.preparing import Scaling, Split, multi_hot, one_hot, scaled, split
from tinygrad_edu.errors import answers

__all__ = [
    "DataSet",
    "Examples",
    "Labelled",
    "Scaling",
    "Split",
    "breast_cancer",
    "cats",
    "circles",
    "csv",
    "digits",
    "flower",
    "football",
    "image_folder",
    "moons",
    "multi_hot",
    "one_hot",
    "scaled",
    "split",
]

_ELSEWHERE = {
    "train_test_split": "tg.data.split(X, Y, dev=0.2, test=0.2), which gives train, dev, test",
    "StandardScaler": "tg.data.Scaling.of(X_train), or tg.data.scaled(X_train, X_test)",
    **dict.fromkeys(["to_categorical", "OneHotEncoder", "LabelBinarizer"], "tg.data.one_hot(labels)"),
    "MultiLabelBinarizer": "tg.data.multi_hot(groups, categories)",
    **dict.fromkeys(["DataLoader", "TensorDataset", "Dataset"], "batch_size= of tg.nn.fit, and arrays X, Y"),
    "ImageFolder": "tg.data.image_folder(path)",
    "read_csv": "tg.data.csv(path, label)",
}
"""What PyTorch, Keras and scikit-learn call otherwise."""

answers(__name__, "tg.data", "tg.data.csv(path, label), or another of its functions", _ELSEWHERE)
