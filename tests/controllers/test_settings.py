import pytest

from keras_enas.controllers import PROFILES, ControllerSettings


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_profiles_are_valid(profile):
    ControllerSettings.from_profile(profile)


def test_the_papers_settings():
    settings = ControllerSettings.from_profile("paper")
    assert settings.units == 64
    assert settings.learning_rate == 0.00035
    assert (settings.tanh_constant, settings.temperature) == (2.5, 5.0)
    assert (settings.skip_target, settings.skip_weight) == (0.4, 0.8)
    assert (settings.entropy_weight, settings.entropy_in) == (0.1, "reward")
    assert (settings.advantage, settings.offset_learning_rate) == ("raw", 0.0)


def test_the_settings_of_the_recurrent_space():
    paper = ControllerSettings.from_profile("paper_recurrent")
    assert (paper.learning_rate, paper.entropy_weight) == (0.00035, 1e-4)
    assert (paper.tanh_constant, paper.temperature) == (2.5, 5.0)
    code = ControllerSettings.from_profile("released_code_recurrent")
    assert (code.learning_rate, code.entropy_weight) == (5e-5, 1e-5)
    assert (code.tanh_constant, code.temperature, code.init_range) == (2.25, 5.0, 0.01)
    assert (code.baseline_decay, code.distance_penalty) == (0.999, 1 / 6)
    assert (code.units, code.samples_per_update, code.offset_learning_rate) == (64, 10, 0.0)


def test_a_setting_may_be_changed():
    settings = ControllerSettings.from_profile("paper", temperature=None, learning_rate=0.001)
    assert settings.temperature is None
    assert settings.learning_rate == 0.001
    assert settings.tanh_constant == 2.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("units", 0),
        ("units", 6.5),
        ("samples_per_update", 1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", "fast"),
        ("beta_1", 1.0),
        ("baseline_decay", -0.1),
        ("entropy_weight", -1.0),
        ("distance_penalty", -0.1),
        ("tanh_constant", 0.0),
        ("offset_bound", 0.0),
        ("temperature", -1.0),
        ("skip_target", 0.0),
        ("skip_target", 1.0),
        ("advantage", "relative"),
        ("entropy_in", "gradient"),
        ("entropy_of", "everything"),
        ("skip_probability", "tanh"),
        ("op_preference_scope", None),
        ("op_preference_scope", ["normal/"]),
    ],
)
def test_bad_settings_are_named(name, value):
    with pytest.raises(ValueError, match=f"`{name}`"):
        ControllerSettings.from_profile("default", **{name: value})


def test_unknown_names_are_named():
    with pytest.raises(ValueError, match="`profile`.*'papers'"):
        ControllerSettings.from_profile("papers")
    with pytest.raises(ValueError, match="tanh_const.*tanh_constant"):
        ControllerSettings.from_profile("paper", tanh_const=1.0)
