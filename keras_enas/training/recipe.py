"""How a child is trained: all settings in one object that a model can be given to."""

import dataclasses
import random

import keras

from keras_enas.training.auxiliary import AuxiliaryModel, has_auxiliary, main_network
from keras_enas.training.averaging import AveragedSGD
from keras_enas.training.checks import check_fit, check_recipe
from keras_enas.training.data import augmentation, augmented, batches, counted, is_dataset
from keras_enas.training.optimizer import L2SGD
from keras_enas.training.preparation import compiled_settings, set_layers
from keras_enas.training.schedule import cosine_restarts, warn_of_a_cut_cycle
from keras_enas.training.table import table

_CHANGED = "changed with `replace`"


@keras.saving.register_keras_serializable(package="keras_enas")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings for training one network from scratch, immutable.

    ```python
    recipe = keras_enas.training.micro_small.replace(epochs=14)
    print(recipe)
    history = recipe.fit(model, x, y, validation_data=(x_val, y_val))
    child = recipe.finish(model)
    ```

    or with a plain `fit`:

    ```python
    data = recipe.dataset(x, y)
    model = recipe.compile(model, steps_per_epoch=len(data))
    model.fit(data, epochs=recipe.epochs, shuffle=False, callbacks=recipe.callbacks())
    ```

    Args:
        name: String.
        epochs: Integer.
        batch_size: Integer, for arrays.
        learning_rate: Float; with cycles, the rate at the beginning of each.
        minimum_learning_rate: Float, the rate at the end of each cycle.
        first_cycle: Optional integer, epochs of the first cycle of the cosine;
            None for a constant rate.
        cycle_growth: Number of at least 1, how much longer each cycle is than the last.
        momentum: Float; 0 for plain gradient descent.
        nesterov: Boolean.
        l2: Float, weight of the sum of the squares of all trainable weights.
        clipnorm: Optional float, greatest norm of the gradient of each weight.
        global_clipnorm: Optional float, greatest norm of all gradients together.
        averaging_patience: Optional integer: the weights are averaged once the
            validation loss is no better than it was this many epochs before.
        head_dropout: Optional float, rate of the model's last `Dropout` layer;
            None leaves it as built.
        drop_path_keep: Optional float, what the last `DropPath` layer keeps in
            the last step; None for no drop-path.
        auxiliary_weight: Optional float, weight of the loss of an output named
            `aux`; None leaves that output out.
        shift: Optional integer, pixels of padding before a random crop.
        flip: Boolean, whether every other image is mirrored.
        cutout: Optional integer, side in pixels of the square that is cut out.
        activation_l2: Float, `l2` of the model's `ActivationRegularization`.
        slowness: Float, `slowness` of the same.
        sources: Dict from settings to where they are from.

    Raises:
        ValueError: If a setting is out of its range.
    """

    name: str = "custom"
    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 0.05
    minimum_learning_rate: float = 0.001
    first_cycle: int | None = 10
    cycle_growth: float = 2
    momentum: float = 0.9
    nesterov: bool = True
    l2: float = 0.0
    clipnorm: float | None = None
    global_clipnorm: float | None = None
    averaging_patience: int | None = None
    head_dropout: float | None = None
    drop_path_keep: float | None = None
    auxiliary_weight: float | None = None
    shift: int | None = None
    flip: bool = False
    cutout: int | None = None
    activation_l2: float = 0.0
    slowness: float = 0.0
    sources: dict = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self):
        check_recipe(self)

    # === The object ===

    def replace(self, **changes):
        """Returns a recipe with some settings changed, and says so in its table."""
        known = {field.name for field in dataclasses.fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise ValueError(
                f"`replace`: {unknown} are no settings of a recipe. It has: {sorted(known)}."
            )
        sources = {**self.sources, **dict.fromkeys(changes, _CHANGED)}
        return dataclasses.replace(self, **{"sources": sources, **changes})

    def get_config(self):
        """Returns all settings, JSON-serialisable."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        """Returns the recipe that `get_config` was called of."""
        return cls(**config)

    def __str__(self):
        return table(self)

    def summary(self):
        """Prints all settings with their sources."""
        print(self)

    # === Its parts ===

    def schedule(self, steps_per_epoch):
        """Returns the learning rate: a float, or a schedule of Keras.

        Warns if `epochs` does not end a cycle.
        """
        if self.first_cycle is None:
            return float(self.learning_rate)
        warn_of_a_cut_cycle(self.epochs, self.first_cycle, self.cycle_growth)
        return cosine_restarts(
            self.learning_rate,
            self.minimum_learning_rate,
            self.first_cycle,
            self.cycle_growth,
            steps_per_epoch,
        )

    def optimizer(self, steps_per_epoch):
        """Returns a new optimizer, for a number of steps an epoch."""
        return L2SGD(
            self.schedule(steps_per_epoch),
            l2=self.l2,
            momentum=float(self.momentum),
            nesterov=self.nesterov,
            clipnorm=self.clipnorm,
            global_clipnorm=self.global_clipnorm,
        )

    def callbacks(self):
        """Returns a list of new callbacks."""
        callbacks = [keras.callbacks.TerminateOnNaN()]
        if self.averaging_patience is not None:
            callbacks.append(AveragedSGD(self.averaging_patience))
        return callbacks

    def dataset(self, x, y=None, sample_weight=None, batch_size=None, shuffle=True, seed=None):
        """Returns batches to train on: shuffled in every epoch, and augmented.

        Every iteration is the next epoch. The batches of an epoch follow from the
        seed and its number alone, whatever was read before; `data.of_epoch(number)`
        gives them, and a search asks for its epochs by it. So it goes on with the
        right ones after an interruption.

        Args:
            x: Arrays; a `tf.data.Dataset` of batches, which is augmented only, in the
                order that it gives; or a `keras.utils.PyDataset`, which cannot be
                augmented.
            y: As in `fit`.
            sample_weight: As in `fit`.
            batch_size: Optional integer in place of the recipe's, for arrays.
            shuffle: Boolean, for arrays.
            seed: Optional integer; default one of Python's `random`, as Keras draws it.

        Returns:
            A `tf.data.Dataset`; a `PyDataset` as it is.

        Raises:
            ValueError: If the recipe augments and `x` is not images.
        """
        seed = random.randrange(2**31) if seed is None else seed
        if not is_dataset(x):
            size = self.batch_size if batch_size is None else batch_size
            x = batches(x, y, sample_weight, size, shuffle, seed)
        return augmented(x, augmentation(self.shift, self.flip, self.cutout), seed)

    # === Training ===

    def compile(self, model, steps_per_epoch, loss=None, metrics=None):
        """Makes a model ready for `fit` under this recipe.

        Sets the model's `DropPath`, `ActivationRegularization` and last
        `Dropout` layer, and compiles it with a new optimizer. Warns of settings
        that the model has no layer for, and of epochs that do not end a cycle.

        Args:
            model: A built `keras.Model`. If it has two outputs, one named
                `aux`, the loss of that one is added (`auxiliary_weight`).
            steps_per_epoch: Integer.
            loss: As in `keras.Model.compile`; default what the model was compiled with.
            metrics: Likewise.

        Returns:
            The model to call `fit` on: `model` itself, or with an auxiliary
            output one around it that has the same weights.

        Raises:
            ValueError: If there is no loss, or the model does not fit the recipe.
        """
        settings = compiled_settings(model, loss, metrics)
        optimizer = self.optimizer(steps_per_epoch)
        set_layers(self, model, self.epochs * steps_per_epoch)
        if has_auxiliary(model):
            if self.auxiliary_weight:
                model = AuxiliaryModel(model, self.auxiliary_weight, name=model.name)
            else:
                model = main_network(model)
        model.compile(optimizer, **settings)
        return model

    def fit(
        self,
        model,
        x,
        y=None,
        *,
        sample_weight=None,
        batch_size=None,
        shuffle=True,
        seed=None,
        callbacks=(),
        **kwargs,
    ):
        """Compiles and trains a model; it has the trained weights afterwards.

        Args:
            model: As in `compile`, compiled before: its loss and metrics are kept.
            x: As in `dataset`.
            y: As in `keras.Model.fit`.
            sample_weight: Likewise.
            batch_size: Optional integer in place of the recipe's, for arrays.
            shuffle: Boolean, for arrays, and whether the batches of a `PyDataset`
                come in another order in every epoch.
            seed: As in `dataset`.
            callbacks: Further callbacks.
            **kwargs: Further arguments of `keras.Model.fit`, but for `epochs` and
                `validation_split`.

        Returns:
            A `keras.callbacks.History`; its `model` is what was fitted.

        Raises:
            ValueError: If an argument does not fit.
        """
        check_fit(kwargs)
        data = self.dataset(x, y, sample_weight, batch_size, shuffle, seed)
        steps_per_epoch = kwargs.get("steps_per_epoch")
        if steps_per_epoch is not None and not is_dataset(x):
            data = data.repeat()
        if isinstance(kwargs.get("validation_data"), (list, tuple)):
            kwargs.setdefault("validation_batch_size", batch_size or self.batch_size)
        data, steps = counted(data, steps_per_epoch)
        fitted = self.compile(model, steps)
        return fitted.fit(
            data,
            epochs=self.epochs,
            callbacks=[*self.callbacks(), *callbacks],
            # Keras warns of it for a dataset, which is shuffled already.
            shuffle=shuffle and isinstance(x, keras.utils.PyDataset),
            **kwargs,
        )

    def finish(self, model):
        """Returns a trained network as it is used: one output, nothing of this package to compile.

        Args:
            model: What was given to `fit` or `compile`, or what they returned.

        Returns:
            A `keras.Model` without the auxiliary head, on the same weights,
            compiled with the same loss and metrics and a stock optimizer, ready
            for `evaluate` and `keras_enas.to_keras`.
        """
        settings = compiled_settings(model)
        network = model.network if isinstance(model, AuxiliaryModel) else model
        if has_auxiliary(network):
            network = main_network(network)
        optimizer = keras.optimizers.SGD(
            float(self.minimum_learning_rate if self.first_cycle else self.learning_rate),
            momentum=float(self.momentum),
            nesterov=self.nesterov,
        )
        network.compile(optimizer, **settings)
        return network
