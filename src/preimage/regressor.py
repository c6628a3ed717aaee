"""An inverse as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Self, final, no_type_check

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from preimage.errors import InputError
from preimage.inverters import METHODS
from preimage.inverters.base import Inverter
from preimage.surrogates import Surrogate


@final
class InverseRegressor(RegressorMixin, BaseEstimator):
    """Predicts an input for each wanted output, as a scikit-learn regressor.

    In scikit-learn's terms X is what is known when predicting: here the measured **outputs**, the
    quantities that will be asked for. y is what is predicted: the **inputs** that produced them.
    A prediction is the best preimage alone; use an inverter itself to see all of them, and how
    each was checked. Rows with equal y and different X count as repeated measurements, and
    columns of X that are constant are ignored.

    Args:
        method: The name of a method, one of `preimage.METHODS`.
        surrogate: What learns X as a function of y, such as `preimage.surrogates.Ensemble()`; a
            Gaussian process by default, and an ensemble of networks for thousands of rows.
        seed: Fixes everything that is drawn.

    Attributes:
        inverter_: The fitted inverter; `None` where y was constant, or all of X.
        n_features_in_: The number of columns of X, the wanted outputs.

    Example:
        >>> height = np.linspace(0.0, 2.0, 40)[:, None]
        >>> pressure = np.exp(-height)
        >>> model = InverseRegressor().fit(pressure, height)
        >>> model.predict([[0.5]]).round(3)
        array([[0.693]])
    """

    # scikit-learn stores whatever it is given, and leaves complaints to `fit`.
    @no_type_check
    def __init__(
        self, method: str = "gradient", surrogate: Surrogate | None = None, seed: int = 0
    ) -> None:
        self.method = method
        self.surrogate = surrogate
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:
        """Learns from measured outputs X, `(rows, q)`, and the inputs y, `(rows, p)` or `(rows,)`.

        Args:
            X: The measured outputs, in their units.
            y: The inputs that produced them, in theirs.

        Returns:
            The regressor itself.

        Raises:
            InputError: If there is no such method; the message lists those there are.
            ValueError: If the data are not two tables of finite numbers with two rows or more.
        """
        if self.method not in METHODS:
            raise InputError(f"there is no method {self.method!r}; there are {', '.join(METHODS)}.")
        both = validate_data(
            self, X, y, multi_output=True, y_numeric=True, dtype=np.float64, ensure_min_samples=2
        )
        outputs, inputs = (np.asarray(table, dtype=np.float64) for table in both)
        self.flat_ = inputs.ndim == 1
        inputs = inputs.reshape(len(inputs), -1)
        self.center_ = inputs.mean(axis=0)
        self.asked_ = np.ptp(outputs, axis=0) > 0
        self.varied_ = np.ptp(inputs, axis=0) > 0
        self.inverter_: Inverter | None = None
        if self.asked_.any() and self.varied_.any():
            self.inverter_ = METHODS[self.method](seed=self.seed).fit(
                inputs[:, self.varied_],
                outputs[:, self.asked_],
                surrogate=self.surrogate,
                repeats="keep",
            )
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The best preimage of each row of X.

        Args:
            X: Wanted outputs, `(targets, q)`.

        Returns:
            Inputs, `(targets, p)`, or `(targets,)` where y was fitted with one dimension.

        Raises:
            ValueError: If X is no table of finite numbers with as many columns as were fitted.
        """
        check_is_fitted(self)
        wanted = np.asarray(validate_data(self, X, dtype=np.float64, reset=False))
        found = np.tile(self.center_, (len(wanted), 1))
        if self.inverter_ is not None:
            found[:, self.varied_] = self.inverter_.invert(wanted[:, self.asked_], n=1).best
        return found[:, 0] if self.flat_ else found

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
