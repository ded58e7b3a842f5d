"""A trained child as files that need no keras_enas."""

import os
import shutil

import keras

from keras_enas.layers.stock import Functional, to_keras


def export(model, folder):
    """Writes a trained child as `best_model.keras` and as the SavedModel `best_model/`.

    Args:
        model: A functional or sequential `keras.Model`.
        folder: String.

    Returns:
        The model in stock Keras layers.
    """
    if isinstance(model, (keras.Sequential, Functional)):
        stock = to_keras(model)
        stock.compile_from_config(model.get_compile_config())
    else:
        stock = model
    # Written beside and renamed: a kill leaves the old files or the new ones.
    temporary = os.path.join(folder, "writing_model.keras")
    stock.save(temporary)
    os.replace(temporary, os.path.join(folder, "best_model.keras"))
    temporary, final = (os.path.join(folder, name) for name in ("writing_model", "best_model"))
    shutil.rmtree(temporary, ignore_errors=True)
    stock.export(temporary, format="tf_saved_model", verbose=False)
    shutil.rmtree(final, ignore_errors=True)
    os.rename(temporary, final)
    return stock
