import numpy as np
import pytest
import tensorflow as tf

from keras_enas.text import stream_batches


def test_rows_go_on_in_the_next_batch():
    dataset = stream_batches(np.arange(50), streams=4, steps=3)
    assert dataset.element_spec == (tf.TensorSpec((4, 3), tf.int32),) * 2
    batches = list(dataset.as_numpy_iterator())
    # 12 tokens a stream: three batches of three, and the label of the last.
    assert len(dataset) == len(batches) == 3
    x = np.concatenate([x for x, _ in batches], 1)
    y = np.concatenate([y for _, y in batches], 1)
    np.testing.assert_array_equal(x, np.arange(48).reshape(4, 12)[:, :9])
    np.testing.assert_array_equal(y, x + 1)


def test_every_token_counts_with_the_remainder():
    for size in (40, 41, 43, 44, 52):
        dataset = stream_batches(np.arange(size), streams=4, steps=3, drop_remainder=False)
        assert dataset.element_spec[0].shape == (4, None)
        batches = list(dataset.as_numpy_iterator())
        assert len(batches) == len(dataset)
        y = np.concatenate([y for _, y in batches], 1)
        length = size // 4
        np.testing.assert_array_equal(y, np.arange(4 * length).reshape(4, length)[:, 1:])
        assert all(x.shape[1] == 3 for x, _ in batches[:-1])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((np.arange(50), 0, 3), "`streams`"),
        ((np.arange(50), 4, 2.5), "`steps`"),
        ((np.arange(50), 4, True), "`steps`"),
        ((np.arange(50).reshape(5, 10), 4, 3), "shape \\(5, 10\\)"),
        ((np.arange(50.0), 4, 3), "float64"),
        ((np.arange(-1, 50), 4, 3), "must not be negative"),
        ((np.arange(15), 4, 3), "has 15 tokens, 3 for each of 4 streams; a batch needs 4"),
        ((np.array([], int), 4, 3), "has 0 tokens"),
        ((["a", "b"], 1, 1), "must be integers"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        stream_batches(*arguments)
