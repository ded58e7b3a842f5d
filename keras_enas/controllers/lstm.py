"""The LSTM policy of the paper, for any search space."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_enas.controllers.cell import lstm_step
from keras_enas.controllers.offsets import LogitOffsets
from keras_enas.controllers.plan import Plan


class LSTMPolicy(keras.layers.Layer):
    """A distribution over the architectures of a space, decision by decision.

    Every step is one step of an LSTM without biases. An operation is a softmax
    over the hidden state; its embedding is the next input. Decisions of equal
    candidate lists share embedding and softmax. A skip bit attends to the
    anchor of the layer that it would add: `q_i = v . tanh(W1 a_i + W2 h)`, its
    two logits are `[-q_i, q_i]`; the next input is the sum of the chosen
    anchors divided by one more than their number (ENAS, sections 2.2 and 2.3;
    details as in the released code). An input attends the same way, with one
    softmax over all, and hands on the chosen anchor. The anchor of a block is
    the hidden state after its last step; after an operation or an input that
    takes one more LSTM step, and the start embedding is the next input. Inputs of
    a cell have the hidden states of warm-up steps on the start embedding. Logits
    `l` are shaped to `tanh_constant * tanh(l / temperature)`; outside the tanh
    `LogitOffsets` are added, unless their learning rate is zero.

    Args:
        space: A `SearchSpace` with at least one decision.
        settings: `ControllerSettings`.
        seed: Integer, of the initial weights.

    Attributes:
        plan: The `Plan` of the space.
        named_weights: Dict of every weight; the saved state goes by its names.
        lstm_weights: List of the weights of the published policy.
        offsets: `LogitOffsets` or None.
    """

    def __init__(self, space, settings, seed=0, **kwargs):
        # float32 whatever the global policy is: mixed precision is meant for the networks.
        super().__init__(dtype="float32", **kwargs)
        self.plan = Plan(space)
        self.settings = settings
        self._next_seed = seed
        units = settings.units
        self.named_weights = {}
        self.kernel = self._weight("lstm/kernel", (units, 4 * units))
        self.recurrent_kernel = self._weight("lstm/recurrent_kernel", (units, 4 * units))
        self.start = self._weight("start", (1, units))
        self.embeddings, self.softmaxes = [], []
        for i, candidates in enumerate(self.plan.tables):
            self.embeddings.append(self._weight(f"embedding/{i}", (len(candidates), units)))
            self.softmaxes.append(self._weight(f"softmax/{i}", (units, len(candidates))))
        if self.plan.attends:
            self.w1 = self._weight("attention/w1", (units, units))
            self.w2 = self._weight("attention/w2", (units, units))
            self.v = self._weight("attention/v", (units, 1))
        self.biases = None
        if settings.op_bias is not None:
            self.biases = [
                self._weight(f"bias/{i}", (len(candidates),), _of(settings.op_bias, candidates))
                for i, candidates in enumerate(self.plan.tables)
            ]
        self._preferences = [self._preference(step) for step in self.plan.steps]
        if settings.op_preference and not any(np.any(row) for row in self._preferences):
            warnings.warn(
                f"`op_preference={settings.op_preference}` prefers nothing: no operation of this "
                "space has such a label in a decision whose name starts with "
                f"`op_preference_scope={settings.op_preference_scope!r}`. Set the scope to where "
                "yours are ('' for everywhere), or `op_preference=None`.",
                stacklevel=4,
            )
        self.lstm_weights = list(self.named_weights.values())
        self.offsets = None
        if settings.offset_learning_rate:
            self.offsets = LogitOffsets(self.plan, settings.offset_bound)
            self.named_weights["offsets"] = self.offsets.values
        self.built = True

    def _weight(self, name, shape, values=None):
        if values is not None:
            initializer = keras.initializers.Constant(values)
        else:
            bound, self._next_seed = self.settings.init_range, self._next_seed + 1
            initializer = keras.initializers.RandomUniform(-bound, bound, seed=self._next_seed)
        weight = self.add_weight(name=name.replace("/", "_"), shape=shape, initializer=initializer)
        self.named_weights[name] = weight
        return weight

    def draw(self, n, seed, temperature):
        """Draws architectures, step by step.

        Args:
            n: Integer scalar tensor.
            seed: int32 tensor `(2,)`; equal seeds give equal architectures.
            temperature: Float scalar tensor, 1 to sample, 0 to take the likeliest
                candidate at every step.

        Returns:
            Tuple of int32 architectures `(n, decisions)` and a list of the
            logits `(n, size, width)` that each step drew by.
        """
        # Gumbel-max: one call for all random numbers, an argmax for each step.
        sizes = [step.size * step.width for step in self.plan.steps]
        uniform = tf.random.stateless_uniform(
            (n, sum(sizes)), seed, minval=1e-20, maxval=1.0, alg="philox"
        )
        noise = tf.split(-temperature * tf.math.log(-tf.math.log(uniform)), sizes, axis=1)
        offsets = self.offsets and self.offsets.by_group()
        all_actions, all_logits, keys, chosen = [], [], [], {}

        def choose(i, h, anchors):
            step = self.plan.steps[i]
            if step.kind == "op":
                logits = tf.matmul(h, self.softmaxes[step.table])[:, None, :]
            else:
                keys.extend(tf.matmul(anchor, self.w1) for anchor in anchors[len(keys) :])
                asked = tf.stack([keys[k] for k in step.anchors], axis=1)
                logits = self._attention(tf.matmul(h, self.w2)[:, None, :], asked)
            logits = self._shaped(step, logits) + self._preferences[i]
            if offsets:
                logits += self.offsets.of_step(offsets, i, chosen.get(step.previous))
            drawn = logits + tf.reshape(noise[i], (-1, step.size, step.width))
            actions = tf.argmax(drawn, axis=-1, output_type=tf.int32)
            all_actions.append(actions)
            all_logits.append(logits)
            if step.kind == "skip":
                return tf.cast(actions, h.dtype)
            chosen[step.start] = tf.one_hot(actions[:, 0], step.width)
            return chosen[step.start]

        self._recur(n, choose)
        return tf.concat(all_actions, axis=1), all_logits

    def logits_of(self, architectures):
        """The logits on the way to given architectures, all steps of a group at once.

        Args:
            architectures: int32 tensor `(n, decisions)`.

        Returns:
            List of float tensors `(n, decisions of the group, width)`, one for
            each group of the plan.
        """
        given = {}
        for group in self.plan.groups:
            actions = tf.gather(architectures, group.decisions, axis=1)
            if group.kind == "skip":
                sizes = [row.stop - row.start for row in group.rows]
                parts = tf.split(tf.cast(actions, tf.float32), sizes, axis=1)
            else:
                parts = tf.unstack(tf.one_hot(actions, group.width), axis=1)
            given.update(zip(group.steps, parts, strict=True))
        hidden, anchors = self._recur(tf.shape(architectures)[0], lambda i, h, a: given[i])

        offsets = self.offsets and self.offsets.by_group()
        keys = tf.matmul(tf.stack(anchors, axis=1), self.w1) if anchors else None
        result = []
        for g, group in enumerate(self.plan.groups):
            h = tf.stack([hidden[i] for i in group.steps], axis=1)
            if group.kind == "op":
                logits = tf.matmul(h, self.softmaxes[group.table])
            else:
                # Products with zeros and ones instead of gathers: their gradients are
                # deterministic on every device.
                queries = tf.matmul(group.queries, tf.matmul(h, self.w2))
                logits = self._attention(queries, tf.matmul(group.keys, keys))
            logits = self._shaped(group, logits)
            logits += np.concatenate([self._preferences[i] for i in group.steps], axis=0)
            if offsets:
                logits += self.offsets.of_group(offsets, g, architectures)
            result.append(logits)
        return result

    def _recur(self, n, choose):
        """Runs the LSTM through all steps.

        Args:
            n: Integer scalar tensor, how many architectures.
            choose: Function of the step's index, hidden state `(n, units)` and
                list of anchors so far; returns what was decided, `(n, width)`
                one-hot for an operation or an input, `(n, bits)` for a skip
                vector.

        Returns:
            Tuple of lists: the hidden state of each step, and the anchors.
        """
        start = tf.repeat(tf.convert_to_tensor(self.start), n, axis=0)
        h = c = tf.zeros((n, self.settings.units))
        kernel = tf.concat([self.kernel, self.recurrent_kernel], axis=0)
        x, hidden, anchors, seen = start, [], [], []
        for i, step in enumerate(self.plan.steps):
            for _ in range(step.warmups):
                h, c = lstm_step(start, h, c, kernel)
                anchors.append(h)
                seen.append(tf.zeros_like(h) if self.settings.zero_input_anchors else h)
            h, c = lstm_step(x, h, c, kernel)
            hidden.append(h)
            chosen = choose(i, h, anchors)
            if step.kind == "op":
                x = tf.matmul(chosen, self.embeddings[step.table])
            else:
                values = tf.stack([seen[k] for k in step.anchors], axis=1)
                if step.kind == "skip":
                    chosen /= 1.0 + tf.reduce_sum(chosen, axis=1, keepdims=True)
                # Without broadcasting, whose gradient would double the steps of the trace.
                x = tf.squeeze(tf.raw_ops.BatchMatMul(x=chosen[:, None, :], y=values), axis=1)
                if step.kind == "input" and self.settings.distance_penalty:
                    x /= 0.1 + tf.linalg.matvec(chosen, _distances(step.width))[:, None]
            if step.closes:
                if step.kind != "skip":
                    h, c = lstm_step(x, h, c, kernel)
                    x = start
                anchors.append(h)
                seen.append(h)
        return hidden, anchors

    def _attention(self, queries, keys):
        """`v . tanh(queries + keys)`, `(n, pairs, units)` to `(n, pairs)`."""
        return tf.linalg.matvec(tf.tanh(queries + keys), self.v[:, 0])

    def _shaped(self, step, logits):
        """Bounds the logits of a step or a group; their shape becomes `(n, decisions, width)`."""
        constant = self.settings.tanh_constant
        if step.kind == "op":
            if self.biases is not None:
                logits += self.biases[step.table]
            if constant is not None:
                constant /= self.settings.op_tanh_reduce
        if self.settings.temperature is not None:
            logits /= self.settings.temperature
        if constant is not None:
            logits = constant * tf.tanh(logits)
        if step.kind == "skip":
            return tf.stack([-logits, logits], axis=-1)
        if step.kind == "input":
            logits = tf.reshape(logits, (tf.shape(logits)[0], -1, step.width))
            if self.settings.distance_penalty:
                logits -= self.settings.distance_penalty * _distances(step.width) ** 2
        return logits

    def _preference(self, step):
        """What is added to the logits of a step whatever was learned, `(decisions, width)`."""
        given = self.settings.op_preference
        decision = self.plan.space.decisions[step.start]
        inside = decision.name.startswith(self.settings.op_preference_scope)
        if step.kind != "op" or given is None or not inside:
            return np.zeros((step.size, step.width), "float32")
        return np.array([_of(given, decision.candidates)], "float32")


def _of(values, candidates):
    """The value of each candidate, 0 for those that are not named."""
    return [values.get(label, 0.0) for label in candidates]


def _distances(width):
    """How many blocks back each of `width` inputs lies; the last is the block before."""
    return np.arange(width, 0, -1, dtype=np.float32)
