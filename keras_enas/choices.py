"""The words a hypermodel speaks: `OpChoice`, `InputChoice`, `SkipChoice`, `IndexChoice`, `Keyed`.

With an ordinary `keras_tuner.HyperParameters` each registers one `hp.Choice` a
decision and gives what was chosen. A `HyperParameters` that has a `switch_maker`
(the supergraph's) is asked for a switch instead: a layer that holds all
candidates and follows the current architecture.
"""

import keras

from keras_enas.search_space import Decision, record, unchosen


def OpChoice(hp, name, candidates):
    """Chooses one of several layers.

    Args:
        hp: The `keras_tuner.HyperParameters` given to `build(hp)`.
        name: String, the name of the decision; it stands under the current
            `hp.name_scope`. The same name with the same labels may be used
            again: then one decision chooses in several places, each with
            layers of its own.
        candidates: Dict from label to layer factory, a callable without
            arguments that returns a new `keras.layers.Layer`. All candidates
            must give outputs of one shape and dtype. A label is a string
            without spaces.

    Returns:
        A layer, to be called on the input: the chosen one, or in the
        supergraph a switch between all of them.

    Raises:
        ValueError: If `candidates` is not such a dict, or another choice has
            this name with other candidates.
    """
    if not isinstance(candidates, dict) or not candidates:
        raise ValueError(
            f"`candidates` of OpChoice '{name}' must be a dict such as "
            "{'conv3': lambda: keras.layers.Conv2D(16, 3)}. "
            f"Received: {candidates!r}."
        )
    decision = Decision(_scoped(hp, name), "op", tuple(candidates))
    label = _register(hp, decision)
    maker = getattr(hp, "switch_maker", None)
    if maker is not None:
        layers = {key: _make(decision, key, factory) for key, factory in candidates.items()}
        return maker.op(decision, layers)
    return _make(decision, label, candidates[label])


class InputChoice:
    """Chooses one of several tensors.

    Called on a list of tensors of one shape and dtype, it returns one of them.
    The number of candidates is the length of the list.

    With `pass_on=True` it returns the chosen one and the list: `x, nodes =
    InputChoice(hp, name, pass_on=True)(nodes)`. Go on with the list that it gives
    where the same tensors are offered again, as in a cell: the supergraph then
    adds up the gradients of chosen tensors only.

    Args:
        hp: The `keras_tuner.HyperParameters` given to `build(hp)`.
        name: String, the name of the decision, under the current `hp.name_scope`.
        pass_on: Boolean.

    Raises:
        ValueError: When called on an empty list, or if another choice has this
            name with another number of candidates.
    """

    def __init__(self, hp, name, pass_on=False):
        self._hp = hp
        self._name = _scoped(hp, name)
        self._pass_on = pass_on

    def __call__(self, inputs):
        inputs = list(inputs)
        if not inputs:
            raise ValueError(f"InputChoice '{self._name}' was called on an empty list of tensors.")
        decision = Decision(self._name, "input", tuple(range(len(inputs))))
        index = _register(self._hp, decision)
        maker = getattr(self._hp, "switch_maker", None)
        if maker is not None:
            outputs = maker.input(decision, self._pass_on)(inputs)
            return (outputs[0], outputs[1:]) if self._pass_on else outputs
        return (inputs[index], inputs) if self._pass_on else inputs[index]


class SkipChoice:
    """Chooses which of several earlier tensors are added to one.

    Called as `y, earlier = SkipChoice(hp, name)(x, earlier)`, it gives `x` plus
    the chosen ones of the list `earlier`, all of the shape of `x`. Each is a
    decision of its own, named `name/0`, `name/1` and so on; an empty list makes
    none. It also passes `earlier` on. Go on with what it passes on, as above,
    where the tensors are offered again: the supergraph then adds up the
    gradients of the chosen skips only.

    Args:
        hp: The `keras_tuner.HyperParameters` given to `build(hp)`.
        name: String, the name of the skip vector, under the current `hp.name_scope`.
    """

    def __init__(self, hp, name):
        self._hp = hp
        self._name = _scoped(hp, name)

    def __call__(self, x, earlier):
        earlier = list(earlier)
        decisions = [
            Decision(f"{self._name}/{i}", "skip", (0, 1), self._name) for i in range(len(earlier))
        ]
        bits = [_register(self._hp, decision) for decision in decisions]
        if not decisions:
            return x, []
        maker = getattr(self._hp, "switch_maker", None)
        if maker is not None:
            y, *earlier = maker.skip(decisions)([x, *earlier])
            return y, earlier
        chosen = [tensor for bit, tensor in zip(bits, earlier, strict=True) if bit]
        return (keras.layers.Add()([x, *chosen]) if chosen else x), earlier


def IndexChoice(hp, name, candidates):
    """Chooses an index, for a layer that makes something of it itself.

    Where no switch can stand, as inside the loop of a recurrent network, a layer
    is given the index of what was chosen. Called, it reads it with
    `keras_enas.layers.read`: an integer in a child, an int32 scalar tensor in the
    supergraph. Weights that belong to the decision are
    `keras_enas.layers.KeyedWeight`. A layer that keeps integers in its
    `get_config` makes a child that can be saved.

    Args:
        hp: The `keras_tuner.HyperParameters` given to `build(hp)`.
        name: String, the name of the decision, under the current `hp.name_scope`.
        candidates: List of labels, for one of several operations; or a positive
            integer, how many inputs there are to choose from.

    Returns:
        The index: an integer, or in the supergraph an object with `read()`.

    Raises:
        ValueError: If `candidates` is neither, or another choice has this name
            with other candidates.
    """
    if isinstance(candidates, int) and not isinstance(candidates, bool) and candidates > 0:
        decision = Decision(_scoped(hp, name), "input", tuple(range(candidates)))
    elif isinstance(candidates, (list, tuple)) and candidates:
        decision = Decision(_scoped(hp, name), "op", tuple(candidates))
    else:
        raise ValueError(
            f"`candidates` of IndexChoice '{name}' must be a list of labels such as "
            f"['tanh', 'relu'], or a positive number of inputs. Received: {candidates!r}."
        )
    value = _register(hp, decision)
    maker = getattr(hp, "switch_maker", None)
    return decision.index_of(value) if maker is None else maker.index(decision)


def Keyed(hp, name, factory, only=None):
    """Gives a layer that all candidates of a decision have, each its own weights.

    Where every candidate is preceded or followed by the same kind of layer, that
    layer need not stand in the candidates: the supergraph keeps a stack of its
    weights and gathers the row of the chosen candidate, which is cheaper to
    trace and to run than a switch. A child owns its row alone.

    Args:
        hp: The `keras_tuner.HyperParameters` given to `build(hp)`.
        name: String, the name of a decision made before, under the current
            `hp.name_scope`; or a list of names, which key the weights together.
        factory: Callable without arguments that returns a new
            `keras.layers.Layer`.
        only: Optional list of labels of the (single) decision. For others the
            input is passed on unchanged.

    Returns:
        A callable, to be called on the input.

    Raises:
        ValueError: If no decision of that name was made, or `only` has a label
            that it does not have.
    """
    decisions = _made(hp, name, "Keyed")
    if only is not None:
        if len(decisions) > 1:
            raise ValueError("Keyed: `only` goes with a single decision.")
        only = [decisions[0].index_of(label) for label in only]
    maker = getattr(hp, "switch_maker", None)
    if maker is not None:
        return maker.keyed(decisions, factory, only)
    if only is not None and decisions[0].index_of(hp.values[decisions[0].name]) not in only:
        return lambda x: x
    return factory()


def LooseEnds(hp, names, factory):
    """Gives what adds up the tensors that no `InputChoice` took.

    For cells whose output is made of all that nothing in the cell uses (ENAS,
    section 2.4). Each loose end goes through a layer of its own, and these are
    added: a 1x1 convolution each, say, is one convolution of all of them
    concatenated.

    Args:
        hp: The `keras_tuner.HyperParameters` given to `build(hp)`.
        names: List of names of `InputChoice`s made before, under the current
            `hp.name_scope`.
        factory: Callable without arguments that returns a new
            `keras.layers.Layer`. All give one shape.

    Returns:
        A callable, to be called on the list of tensors: those that the choices
        were offered, in that order, and at least one more at the end.

    Raises:
        ValueError: If no decision of such a name was made, or, when called, if
            the last tensor was offered to a choice.
    """
    decisions = _made(hp, names, "LooseEnds")
    for decision in decisions:
        if decision.kind != "input":
            raise ValueError(
                f"LooseEnds: `names` must be those of InputChoices; '{decision.name}' is "
                f"{decision.kind} of {list(decision.candidates)}."
            )

    def join(tensors):
        if any(len(decision.candidates) >= len(tensors) for decision in decisions):
            raise ValueError(
                f"LooseEnds: the last of {len(tensors)} tensors must be one that no choice was "
                f"offered. {[d.name for d in decisions]} have "
                f"{[len(d.candidates) for d in decisions]} candidates."
            )
        maker = getattr(hp, "switch_maker", None)
        if maker is not None:
            return maker.loose_ends(decisions, [factory() for _ in tensors])(tensors)
        loose = unchosen([hp.values[decision.name] for decision in decisions], len(tensors))
        ends = [factory()(tensors[i]) for i in loose]
        return keras.layers.Add()(ends) if len(ends) > 1 else ends[0]

    return join


def _made(hp, names, who):
    """The decisions of these names; `ValueError` if one was not made yet."""
    names = [_scoped(hp, one) for one in ([names] if isinstance(names, str) else names)]
    noted = getattr(hp, "enas_decisions", {})
    for one in names:
        if one not in noted:
            raise ValueError(
                f"{who}: no decision is named '{one}' yet. Make the choice first; "
                f"so far there are {list(noted)}."
            )
    return [noted[one] for one in names]


def _scoped(hp, name):
    # KerasTuner has no public way to ask for the current scope, and a choice that is
    # called later must still stand where it was written.
    return hp._get_name(name)


def _register(hp, decision):
    """Registers the `hp.Choice` of a decision and returns the chosen candidate."""
    scopes, hp._name_scopes = hp._name_scopes, []
    try:
        value = hp.Choice(decision.name, list(decision.candidates), ordered=False)
    finally:
        hp._name_scopes = scopes
    record(hp, decision)
    decision.index_of(value)
    return value


def _make(decision, label, factory):
    layer = factory() if callable(factory) and not isinstance(factory, keras.Layer) else None
    if not isinstance(layer, keras.Layer):
        raise ValueError(
            f"Candidate '{label}' of OpChoice '{decision.name}' must be a callable that returns a "
            "new keras layer, such as `lambda: keras.layers.Conv2D(16, 3)` (several layers: "
            f"`lambda: keras.Sequential([...])`). Received: {factory!r}."
        )
    return layer
