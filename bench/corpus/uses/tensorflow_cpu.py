"""Differentiates a traced function, trains a layer of Keras and loads a saved model."""

import os

import tensorflow as tf


@tf.function
def halved(x: tf.Tensor) -> tf.Tensor:
    # AutoGraph reads the source of this loop.
    while tf.reduce_max(x) > 1.0:
        x = x / 2.0
    return x


def use() -> object:
    tf.keras.utils.set_random_seed(1)
    x = tf.constant([[1.0, 2.0], [3.0, 5.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(halved(tf.linalg.matmul(x, x)))
    gradient = tape.gradient(total, x)

    model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(x, tf.constant([[1.0], [2.0]]), epochs=2, verbose=0)
    folder = f"{os.environ.get('TMPDIR', '/tmp')}/saved"
    tf.saved_model.save(tf.Module(), folder)
    tf.saved_model.load(folder)
    return [
        gradient.numpy().round(4).tolist(),
        len(history.history["loss"]),
        tf.linalg.svd(x, compute_uv=False).numpy().round(3).tolist(),
        sorted(tf.config.list_physical_devices()[0]),
    ]
