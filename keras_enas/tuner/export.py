"""A trained child as files that need no keras_enas."""

import contextlib
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
    file, saved_model, old = (
        os.path.join(folder, name)
        for name in ("writing_model.keras", "writing_model", "replaced_model")
    )
    for path in (saved_model, old):
        shutil.rmtree(path, ignore_errors=True)
    # Both are written whole before either takes the place of an old one, so that a kill while they
    # are written leaves the old ones. A folder cannot be replaced at one stroke: it steps aside.
    stock.save(file)
    stock.export(saved_model, format="tf_saved_model", verbose=False)
    final = os.path.join(folder, "best_model")
    with contextlib.suppress(FileNotFoundError):
        os.rename(final, old)
    os.rename(saved_model, final)
    os.replace(file, os.path.join(folder, "best_model.keras"))
    shutil.rmtree(old, ignore_errors=True)
    return stock
