"""Training through an auxiliary head, and the network without it."""

import keras

NAME = "aux"


def output_names(network):
    """Names of a functional network's outputs, in their flat order.

    An output is called as its key if the outputs are a dict, else as its layer.
    """
    if isinstance(network.output, dict):
        return list(keras.tree.flatten({key: key for key in network.output}))
    return list(network.output_names)


def has_auxiliary(model):
    """Whether a model has an output named `aux`.

    Raises:
        ValueError: If it has, and not exactly one other output.
    """
    if not hasattr(model, "output_names"):
        return False
    names = output_names(model)
    if NAME not in names:
        return False
    if len(names) != 2:
        raise ValueError(
            f"A model with an output named '{NAME}' must have exactly one other output. "
            f"Received outputs: {names}."
        )
    return True


def main_index(network):
    """Which of the two flat outputs is the main one."""
    return 1 - output_names(network).index(NAME)


def main_network(network):
    """The network without its auxiliary head, on the same weights.

    Args:
        network: A functional `keras.Model` with two outputs, one named `aux`.

    Returns:
        A functional `keras.Model` with the main output only, not compiled.
    """
    return keras.Model(network.input, network.outputs[main_index(network)], name=network.name)


@keras.saving.register_keras_serializable(package="keras_enas")
class AuxiliaryModel(keras.Model):
    """Trains a network with a main and an auxiliary output on one target.

    The loss of a training step is `main + weight * auxiliary`, each by the
    compiled loss; the auxiliary head's own weights are trained with the rest
    (the released ENAS code leaves them out). In evaluation and prediction the
    model is the main output alone. So data, metrics and their names are those
    of a model with one output. (Compiling the network itself with `loss_weights`
    would need every label twice and call its accuracy `main_accuracy`.)

    Args:
        network: A functional `keras.Model` with two outputs, one named `aux`.
        weight: Float of at least 0; 0.4 in the paper's code.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        ValueError: If the network has no such outputs.
    """

    def __init__(self, network, weight=0.4, **kwargs):
        super().__init__(**kwargs)
        if not has_auxiliary(network):
            raise ValueError(
                f"`network` must be a functional model with two outputs, one named '{NAME}'. "
                f"Received: {network!r}."
            )
        self.network = network
        self.weight = weight
        self.built = True

    def call(self, inputs, training=None):
        """The main output; while training, a tuple of it and the auxiliary one."""
        outputs = keras.tree.flatten(self.network(inputs, training=training))
        main = main_index(self.network)
        return (outputs[main], outputs[1 - main]) if training else outputs[main]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if not isinstance(y_pred, tuple):
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        main, auxiliary = y_pred
        loss = super().compute_loss(x, y, main, sample_weight, training)
        return loss + self.weight * self._compile_loss(y, auxiliary, sample_weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        main = y_pred[0] if isinstance(y_pred, tuple) else y_pred
        return super().compute_metrics(x, y, main, sample_weight)

    def get_config(self):
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network, "weight": self.weight}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        network = keras.saving.deserialize_keras_object(config.pop("network"), custom_objects)
        return cls(network, **config)
