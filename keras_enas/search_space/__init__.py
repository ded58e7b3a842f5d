"""What may be chosen and what was chosen, as plain data.

Nothing here knows Keras or TensorFlow: a controller, an oracle or a script that
only reads results can use a space without loading either.
"""

from keras_enas.search_space.architecture import Architecture
from keras_enas.search_space.decision import KINDS, Decision
from keras_enas.search_space.record import record, recorded_space, unchosen
from keras_enas.search_space.space import SearchSpace

__all__ = [
    "KINDS",
    "Architecture",
    "Decision",
    "SearchSpace",
    "record",
    "recorded_space",
    "unchosen",
]
