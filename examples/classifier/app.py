"""Says which shape a picture shows, with an Inception-v3 on TensorFlow.

The event::

    {"picture": "<base64 of a PNG or JPEG>"}
"""

import base64
import io
import os
from functools import cache
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from PIL import Image

MODEL = Path(__file__).with_name("inception.weights.h5")
LABELS = ("circle", "square", "triangle", "cross", "ring")
SIZE = 96  # pixels of a side


def network() -> keras.Model:
    """Inception-v3 without its own head, and one of ours."""
    body = keras.applications.InceptionV3(
        weights=None, include_top=False, pooling="avg", input_shape=(SIZE, SIZE, 3), name="body"
    )
    pixels = keras.Input((SIZE, SIZE, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    head = keras.layers.Dense(len(LABELS), name="head")
    return keras.Model(pixels, head(body(scaled)))


def features(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """What the network sees in pictures, before its head."""
    body = model.get_layer("body")
    return body.predict(pictures / 127.5 - 1, verbose=0, batch_size=32).astype(np.float64)


@cache
def trained() -> keras.Model:
    """The network with the weights of the package, read once per execution environment."""
    model = network()
    model.load_weights(MODEL)
    return model


def handler(event: dict, context: object) -> dict:
    """Answer which of the shapes the picture shows."""
    data = base64.b64decode(event["picture"])
    image = Image.open(io.BytesIO(data)).convert("RGB").resize((SIZE, SIZE))
    scores = trained()(np.asarray(image, dtype=np.float32)[None], training=False).numpy()[0]
    return {"shape": LABELS[int(scores.argmax())]}
