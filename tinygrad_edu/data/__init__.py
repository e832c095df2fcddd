"""Real data sets as (X, Y) in the course's layout: one example per column. See README.md in this folder."""

from tinygrad_edu.data.bundled import breast_cancer, digits
from tinygrad_edu.data.course_sets import cats, circles, flower, football, moons
from tinygrad_edu.data.files import Labelled, csv, image_folder
from tinygrad_edu.data.layout import DataSet, Examples
from tinygrad_edu.data.preparing import Scaling, Split, multi_hot, one_hot, scaled, split
from tinygrad_edu.elsewhere import attributes_explained
from tinygrad_edu.errors import answers

__all__ = [
    "DataSet", "Examples", "Labelled", "Scaling", "Split", "breast_cancer", "cats", "circles", "csv",
    "digits", "flower", "football", "image_folder", "moons", "multi_hot", "one_hot", "scaled", "split",
]  # fmt: skip

_ELSEWHERE = {
    "train_test_split": "tg.data.split(X, Y, dev=0.2, test=0.2), which gives train, dev, test",
    "StandardScaler": "tg.data.Scaling.of(X_train), or tg.data.scaled(X_train, X_test)",
    **dict.fromkeys(["to_categorical", "OneHotEncoder", "LabelBinarizer"], "tg.data.one_hot(labels)"),
    "MultiLabelBinarizer": "tg.data.multi_hot(groups, categories)",
    **dict.fromkeys(["DataLoader", "TensorDataset", "Dataset"], "batch_size= of tg.nn.fit, and arrays X, Y"),
    "ImageFolder": "tg.data.image_folder(path)",
    "read_csv": "tg.data.csv(path, label)",
    "*csv*": "tg.data.csv(path, label)",
    **dict.fromkeys(
        ["*Scaler", "scale", "*ormali[sz]e*", "*tandardi[sz]e"], "tg.data.scaled(X_train, X_test)"
    ),
    "shuffle": "nothing: tg.nn.fit draws the order of the examples",
    "LabelEncoder": "tg.data.one_hot(labels), whose rows are the classes in order",
    **dict.fromkeys(["random_split", "*KFold", "cross_val_score"], "tg.data.split(X, Y, dev=0.2, test=0.2)"),
    "make_moons": "tg.data.moons(m)",
    "make_circles": "tg.data.circles(m)",
    "load_digits": "tg.data.digits()",
    "load_breast_cancer": "tg.data.breast_cancer()",
    **dict.fromkeys(
        ["make_*", "load_*", "fetch_*", "*mnist", "MNIST", "cifar*", "CIFAR*", "iris", "PolynomialFeatures"],
        "arrays of your own, X (n_x, m) and Y (1, m); of scikit-learn's (rows) X.T and y.reshape(1, -1)",
    ),
}
"""What PyTorch, Keras and scikit-learn call otherwise."""
_SCALER = {
    **dict.fromkeys(["fit", "fit_transform"], "tg.data.Scaling.of(X_train), which is then called"),
    "transform": "scaling(X)",
    "inverse_transform": "scaling.back(X)",
    "mean_": "scaling.mean",
    **dict.fromkeys(["scale_", "std", "var_"], "scaling.deviation"),
}
_BUNCH = {
    "data": "X_train and X_test",
    **dict.fromkeys(["target", "targets"], "Y_train and Y_test"),
    "target_names": "class_names",
    **dict.fromkeys(["y_train", "y_test", "x_train", "x_test"], "X_train, Y_train, X_test, Y_test"),
    **dict.fromkeys(["X", "Y", "x", "y"], "X_train and Y_train, X_test and Y_test"),
    "DESCR": "the docstring of its function",
}

attributes_explained(Scaling, _SCALER)
attributes_explained(DataSet, _BUNCH)
answers(__name__, "tg.data", "tg.data.csv(path, label), or another of its functions", _ELSEWHERE)
