import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from preimage import METHODS, InverseRegressor
from preimage.errors import InputError
from preimage.surrogates import Ensemble

LIGHT = Ensemble(members=2, width=16, depth=2, steps=60, batch=64)


def check(estimator):
    with warnings.catch_warnings():
        # Checks of things that a NumPy estimator does not offer, such as other array libraries.
        warnings.simplefilter("ignore", SkipTestWarning)
        check_estimator(estimator)


def test_it_is_an_estimator():
    check(InverseRegressor(method="nearest", surrogate=LIGHT))


@pytest.mark.slow
def test_it_is_an_estimator_with_its_default_method():
    learner = Ensemble(members=2, width=32, depth=2, steps=500, batch=64)
    check(InverseRegressor(surrogate=learner))


def decay(height):
    return np.column_stack([np.exp(-height), 1 - 0.5 * height])


HEIGHT = np.linspace(0, 2, 40)


def test_it_finds_the_inputs():
    model = InverseRegressor().fit(decay(HEIGHT), HEIGHT)
    wanted = np.array([0.3, 1.7])
    np.testing.assert_allclose(model.predict(decay(wanted)), wanted, atol=1e-2)
    assert model.score(decay(HEIGHT), HEIGHT) > 0.999


def test_a_column_of_inputs_gives_a_column():
    model = InverseRegressor(method="nearest", surrogate=LIGHT).fit(decay(HEIGHT), HEIGHT[:, None])
    assert model.predict(decay(HEIGHT[:3])).shape == (3, 1)


def test_constant_columns_do_not_matter():
    outputs = np.column_stack([np.full(40, 7.0), decay(HEIGHT)])
    inputs = np.column_stack([HEIGHT, np.full(40, -3.0)])
    found = InverseRegressor().fit(outputs, inputs).predict([[99.0, *decay(np.array([0.5]))[0]]])
    np.testing.assert_allclose(found, [[0.5, -3.0]], atol=1e-2)


def test_without_anything_to_learn_the_mean_is_predicted():
    assert InverseRegressor().fit([[1.0], [2.0]], [5.0, 5.0]).predict([[9.0]]) == [5.0]
    assert InverseRegressor().fit([[1.0], [1.0]], [4.0, 6.0]).predict([[9.0]]) == [5.0]


def test_it_works_inside_pipelines_and_cross_validation():
    model = make_pipeline(StandardScaler(), InverseRegressor(method="nearest", surrogate=LIGHT))
    scores = cross_val_score(model, decay(HEIGHT)[::2], HEIGHT[::2], cv=2)
    assert np.isfinite(scores).all()


def test_a_clone_has_the_same_settings_and_is_not_fitted():
    model = InverseRegressor(method="nearest", surrogate=LIGHT, seed=3).fit(decay(HEIGHT), HEIGHT)
    copy = clone(model)
    assert isinstance(copy, InverseRegressor)
    assert copy.get_params() == model.get_params()  # surrogates are equal by their settings
    with pytest.raises(NotFittedError):
        copy.predict(decay(HEIGHT))


def test_a_surrogate_that_is_passed_stays_as_it_was():
    learner = Ensemble(members=2, width=8, steps=20)
    before = dict(vars(learner))
    InverseRegressor(method="nearest", surrogate=learner).fit(decay(HEIGHT), HEIGHT)
    assert vars(learner) == before


def test_an_unknown_method_names_those_there_are():
    with pytest.raises(InputError, match=", ".join(METHODS)):
        InverseRegressor(method="magic").fit(decay(HEIGHT), HEIGHT)
