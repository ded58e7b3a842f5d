"""The controller's settings and its profiles."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class ControllerSettings:
    """What may be set of the controller; the defaults are profile `"default"`.

    Args:
        units: Integer, units of the LSTM (paper: 64).
        learning_rate: Float, of Adam for the LSTM and its tables.
        beta_1: Float, of Adam. The released code sets 0.
        epsilon: Float, of Adam. The released code sets 1e-3.
        tanh_constant: Float or None, bounds the LSTM's logits:
            `constant * tanh(logit / temperature)`. None leaves them unbounded.
        temperature: Float or None (no division).
        op_tanh_reduce: Float, divides the tanh constant for operations (released
            micro code: 2.5).
        op_bias: Optional dict from label of an operation to the initial value of
            its bias, which is learned; 0 for those not named. None: no biases.
        op_preference: Optional dict from label to a constant added to its logit,
            outside of the tanh.
        op_preference_scope: String, the decisions that it holds for: those whose
            names start with it.
        zero_input_anchors: Boolean, whether choosing an input of a cell, which no
            block made, hands on zeros as in the released code, or the state of its
            warm-up step.
        init_range: Float, weights start uniform in `(-init_range, init_range)`.
        offset_learning_rate: Float, of the Adam for the `LogitOffsets`. 0
            leaves them out: the paper's policy.
        offset_bound: Float or None, bounds the offsets as the tanh constant
            bounds the LSTM's logits.
        advantage: `"raw"` (`R - b` with the moving-average baseline, the
            paper's) or `"normalised"` (within one update).
        baseline_decay: Float, of the moving-average baseline.
        entropy_weight: Float.
        entropy_in: `"reward"`, where paper and code have it, or `"loss"`.
        entropy_of: `"policy"`, the true entropy, or `"sample"`, that of the
            sampled candidate alone as in the released macro code.
        distance_penalty: Float, by which times d^2 the logit of an input is lowered
            that lies d blocks back; what is handed on of it is then divided by
            `0.1 + d`. The released recurrent code has 1/6; 0 leaves both out.
        skip_target: Float, the share of skips aimed for (paper: 0.4).
        skip_weight: Float, of the skip penalty (paper: 0.8). 0 leaves it out.
        skip_probability: `"policy"`, the penalty takes the probability by
            which a skip is sampled, or `"sigmoid"`, the sigmoid of one of its
            two logits as in the released code (half the log-odds).
        samples_per_update: Integer, architectures of one gradient update.
    """

    units: int = 64
    learning_rate: float = 0.001
    beta_1: float = 0.9
    epsilon: float = 1e-7
    tanh_constant: float | None = 2.5
    temperature: float | None = 5.0
    op_tanh_reduce: float = 1.0
    op_bias: dict | None = None
    op_preference: dict | None = None
    op_preference_scope: str = ""
    zero_input_anchors: bool = False
    init_range: float = 0.1
    offset_learning_rate: float = 0.1
    offset_bound: float | None = 3.0
    advantage: str = "normalised"
    baseline_decay: float = 0.99
    entropy_weight: float = 0.01
    entropy_in: str = "loss"
    entropy_of: str = "policy"
    distance_penalty: float = 0.0
    skip_target: float = 0.4
    skip_weight: float = 0.8
    skip_probability: str = "policy"
    samples_per_update: int = 20

    def __post_init__(self):
        for name, allowed in (
            ("advantage", ("raw", "normalised")),
            ("entropy_in", ("reward", "loss")),
            ("entropy_of", ("policy", "sample")),
            ("skip_probability", ("policy", "sigmoid")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"`{name}` must be one of {allowed}. Received: {name}={getattr(self, name)!r}."
                )
        for name, low, high, what in (
            ("units", 1, math.inf, "a positive integer"),
            ("samples_per_update", 2, math.inf, "an integer of at least 2"),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value < high:
                raise ValueError(f"`{name}` must be {what}. Received: {name}={value!r}.")
        for name in ("op_bias", "op_preference"):
            value = getattr(self, name)
            if value is not None and not (
                isinstance(value, dict) and all(map(_is_finite, value.values()))
            ):
                raise ValueError(
                    f"`{name}` must be a dict from label to number, such as {{'sep3': 10.0}}. "
                    f"Received: {name}={value!r}."
                )
        if not isinstance(self.op_preference_scope, str):
            raise ValueError(
                "`op_preference_scope` must be what the names of decisions start with, such as "
                f"'normal/'. Received: op_preference_scope={self.op_preference_scope!r}."
            )
        optional = ("tanh_constant", "temperature", "offset_bound")
        positive = ("op_tanh_reduce", "learning_rate", "epsilon", *optional)
        not_negative = (
            "init_range",
            "offset_learning_rate",
            "entropy_weight",
            "distance_penalty",
            "skip_weight",
        )
        for name in positive + not_negative:
            value = getattr(self, name)
            if value is None and name in optional:
                continue
            if not _is_finite(value) or value < 0 or (name in positive and value == 0):
                kind = "positive" if name in positive else "not negative"
                raise ValueError(f"`{name}` must be {kind}. Received: {name}={value!r}.")
        for name in ("beta_1", "baseline_decay"):
            value = getattr(self, name)
            if not _is_finite(value) or not 0 <= value < 1:
                raise ValueError(f"`{name}` must lie in [0, 1). Received: {name}={value!r}.")
        if not _is_finite(self.skip_target) or not 0 < self.skip_target < 1:
            raise ValueError(
                f"`skip_target` must lie in (0, 1). Received: skip_target={self.skip_target!r}."
            )

    @classmethod
    def from_profile(cls, profile, **changes):
        """Returns a profile's settings, some of them changed.

        Args:
            profile: String, a key of `PROFILES`.
            **changes: Any argument of `ControllerSettings`.

        Raises:
            ValueError: If there is no such profile, argument or value.
        """
        if profile not in PROFILES:
            raise ValueError(
                f"`profile` must be one of {sorted(PROFILES)}. Received: profile={profile!r}."
            )
        names = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(changes) - set(names))
        if unknown:
            raise ValueError(f"The controller has no argument {unknown}. It has {names}.")
        return cls(**{**PROFILES[profile], **changes})


def _is_finite(value):
    return isinstance(value, (int, float)) and math.isfinite(value)


_PUBLISHED = {
    "beta_1": 0.0,
    "epsilon": 1e-3,
    "offset_learning_rate": 0.0,
    "advantage": "raw",
    "entropy_in": "reward",
    "skip_probability": "sigmoid",
    "zero_input_anchors": True,
}

# The micro space starts in favour of separable convolutions: the released code's biases, learned
# and constant (micro_controller.py).
_SEPARABLE = {
    "op_bias": {"sep3": 10.0, "sep5": 10.0},
    "op_preference": {
        "sep3": 0.25,
        "sep5": 0.25,
        "avg3": -0.25,
        "max3": -0.25,
        "identity": -0.25,
    },
    "op_preference_scope": "normal/",
}

# "paper": the text of the paper; what it leaves open (Adam's constants, the probability of the
# skip penalty, the baseline's decay) as in the released code.
# "released_code": melodyguan/enas, scripts/cifar10_macro_search.sh.
# The same two for the micro space; the second is scripts/cifar10_micro_search.sh.
# "paper_recurrent": the text's other settings for Penn Treebank.
# "released_code_recurrent": google-research's enas_lm, which replaced the recurrent part of
# melodyguan/enas; but for its softmax, there tied to the embedding of the operations.
PROFILES = {
    "default": {},
    "paper": {
        **_PUBLISHED,
        "learning_rate": 0.00035,
        "tanh_constant": 2.5,
        "temperature": 5.0,
        "entropy_weight": 0.1,
    },
    "released_code": {
        **_PUBLISHED,
        "learning_rate": 0.001,
        "tanh_constant": 1.5,
        "temperature": None,
        "entropy_weight": 1e-4,
        "entropy_of": "sample",
    },
    "paper_recurrent": {
        **_PUBLISHED,
        "learning_rate": 0.00035,
        "tanh_constant": 2.5,
        "temperature": 5.0,
        "entropy_weight": 1e-4,
    },
    "released_code_recurrent": {
        **_PUBLISHED,
        "learning_rate": 5e-5,
        "beta_1": 0.9,
        "epsilon": 1e-8,
        "tanh_constant": 2.25,
        "temperature": 5.0,
        "init_range": 0.01,
        "baseline_decay": 0.999,
        "entropy_weight": 1e-5,
        "entropy_of": "sample",
        "distance_penalty": 1.0 / 6.0,
        "samples_per_update": 10,
    },
}
PROFILES["paper_micro"] = {**PROFILES["paper"], **_SEPARABLE}
PROFILES["released_code_micro"] = {
    **_PUBLISHED,
    **_SEPARABLE,
    "learning_rate": 0.0035,
    "tanh_constant": 1.1,
    "op_tanh_reduce": 2.5,
    "temperature": None,
    "entropy_weight": 1e-4,
}
