import pytest

SCRIPT = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, "tests/tuner")
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from small_space import TINY, SmallSpace, load
from keras_enas import ENASTuner

(x, y), validation = load()
def tuner():
    return ENASTuner(
        SmallSpace(labels=("relu", "id")), **TINY, seed=0, directory={folder!r},
        distribution_strategy=tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
    )
one = tuner()
one.search(x, y, validation_data=validation, batch_size=50, verbose=0)
assert one.supergraph.distribute_strategy.num_replicas_in_sync == 2
# Each replica traces the step.
assert one.supergraph.train_traces == 2, one.supergraph.train_traces
assert one._shared.scorer.traces == 1, one._shared.scorer.traces
assert one.supergraph.optimizer.iterations.numpy() == 12
weight = one.supergraph.network.trainable_variables[0].value
assert len(weight.values) == 2
assert np.array_equal(weight.values[0].numpy(), weight.values[1].numpy())
assert one.get_best_architectures(2)[0].score.objective > 0
# A new one reads the generation, for both.
two = tuner()
read = two.supergraph.network.trainable_variables[0].value
assert all(np.array_equal(value.numpy(), weight.values[0].numpy()) for value in read.values)
two.get_best_models()
one.retrain(x, y, validation_data=validation, epochs=1, top=1, random_baseline=0, verbose=0)
print("done")
"""


@pytest.mark.slow
def test_mirrored_strategy(run_python, tmp_path):
    """Two logical CPUs train the supergraph; each step trains two architectures."""
    assert run_python("-c", SCRIPT.format(folder=str(tmp_path))).strip().endswith("done")
