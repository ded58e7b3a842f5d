"""Early errors of the oracles; each names the argument and what would do."""

import math
import warnings

import numpy as np

NO_SPACE = (
    "There is nothing to search: the hypermodel makes no choices. Make at least one "
    "`OpChoice`, `InputChoice` or `SkipChoice` in its `build(hp)`."
)


def check_integer(name, value, least, most=math.inf, optional=False):
    """Raises `ValueError` unless `value` is an integer in `[least, most]`, or None if optional."""
    if value is None and optional:
        return
    integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not integer or not least <= value <= most:
        limit = "" if most == math.inf else f" and at most {most}"
        raise ValueError(
            f"`{name}` must be an integer of at least {least}{limit}. Received: {name}={value!r}."
        )


def check_number(name, value, low, high=math.inf, above=False, below=False):
    """Raises `ValueError` unless `value` is a finite number from `low` to `high`.

    Args:
        name: String, of the argument.
        value: What was given.
        low: Number, the least.
        high: Number, the greatest.
        above: Boolean, whether `low` itself is refused.
        below: Boolean, whether `high` itself is refused.
    """
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    fits = number and math.isfinite(value) and low <= value <= high
    if not fits or (above and value == low) or (below and value == high):
        if high == math.inf:
            limits = f"above {low}" if above else f"of at least {low}"
        else:
            limits = f"in {'(' if above else '['}{low}, {high}{')' if below else ']'}"
        raise ValueError(f"`{name}` must be a number {limits}. Received: {name}={value!r}.")


def check_timeout(seconds):
    """Raises `ValueError` unless `seconds` is None or a number above 0, infinity included."""
    if seconds != math.inf and seconds is not None:
        check_number("worker_timeout", seconds, 0, above=True)


def check_learned(arrays, own, fixed=()):
    """Raises `ValueError` unless what a strategy learned has the names and shapes of its own.

    Args:
        arrays: Dict from name to array.
        own: Names, or a dict from name to array.
        fixed: Names of those in the dict whose shape must be the same.
    """
    missing, unknown = sorted(set(own) - set(arrays)), sorted(set(arrays) - set(own))
    if missing or unknown:
        raise ValueError(
            f"`arrays` of what was learned lacks {missing} and has the unknown {unknown}. "
            "It belongs to another strategy or to other settings."
        )
    for name in fixed:
        if np.shape(arrays[name]) != np.shape(own[name]):
            raise ValueError(
                f"`arrays['learned/{name}']` must have the shape {np.shape(own[name])}. "
                f"Received: shape {np.shape(arrays[name])}."
            )


def checked_samples(space, architectures, rewards):
    """Returns architectures `(n, decisions)` int32 and rewards `(n,)` float64, or raises.

    Rewards that are NaN or infinite pass: whoever learns has to drop them.
    """
    if np.size(architectures) == 0:
        architectures = np.zeros((0, len(space)), np.int32)
    try:
        architectures = space.check(architectures)
    except ValueError as error:
        raise ValueError(f"`architectures` does not fit the space. {error}") from None
    if architectures.ndim != 2:
        raise ValueError(
            "`architectures` must have the shape (n, decisions). "
            f"Received: shape {architectures.shape}."
        )
    try:
        rewards = np.asarray(rewards, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"`rewards` must be numbers. Received: {rewards!r}.") from None
    if rewards.shape != (len(architectures),):
        raise ValueError(
            f"`rewards` must have the shape ({len(architectures)},), one for each "
            f"architecture. Received: shape {rewards.shape}."
        )
    return architectures, rewards


def check_tunable(space, hyperparameters):
    """Raises `ValueError` unless the oracle may tune every decision over all its candidates."""
    known = {hp.name: hp for hp in hyperparameters.space}
    for decision in space:
        values = list(getattr(known.get(decision.name), "values", []))
        if values != list(decision.candidates):
            raise ValueError(
                f"Decision '{decision.name}' has the candidates {list(decision.candidates)}, "
                f"but the oracle may tune {values or 'nothing'} of it. Leave it out of "
                "`hyperparameters` and keep `tune_new_entries=True`."
            )


def check_array_names(arrays, own, learns):
    """Raises `ValueError` unless `arrays` has the names `own`, and `learned/...` if it `learns`."""
    missing = [name for name in own if name not in arrays]
    learned = [name for name in arrays if name.startswith("learned/")]
    unknown = sorted(set(arrays) - set(own) - set(learned if learns else ()))
    if missing or unknown:
        raise ValueError(
            f"`arrays` lacks {missing} and has the unknown {unknown}. Set the space first and "
            "give what `get_arrays()` of the same oracle returned."
        )
    for name in ("seed", "draws"):
        if arrays[name].shape != () or arrays[name].dtype.kind not in "iu":
            raise ValueError(f"`arrays['{name}']` must be one integer.")


def warn_of_too_few_trials(oracle):
    """Warns if all trials together are fewer than one update takes."""
    if oracle.max_trials is not None and oracle.max_trials < oracle.samples_per_update:
        warnings.warn(
            f"{type(oracle).__name__} learns from {oracle.samples_per_update} trials at a time, "
            f"and `max_trials` is {oracle.max_trials}: it will learn nothing. Raise `max_trials` "
            "or lower `samples_per_update`.",
            stacklevel=4,
        )
