"""Make the model: Inception-v3 with random weights and a head that is fitted to them.

    uv run --python 3.13 --no-project --with-requirements requirements.txt make_model.py

A network that nobody trained still sees: its features of drawn circles, squares, triangles,
crosses and rings are fitted a linear head by least squares. All is drawn and initialised from
fixed seeds, nothing is downloaded, and the file is as large as that of the real thing.
"""

import keras
import numpy as np
from PIL import Image, ImageDraw

from app import LABELS, MODEL, SIZE, features, network

TRAINING = 160  # pictures of each shape
RIDGE = 3e-2
SEED = 2018


def picture(label: str, random: np.random.Generator) -> Image.Image:
    """A shape somewhere on a coloured ground."""
    ground, ink = random.integers(0, 110, 3), random.integers(150, 256, 3)
    image = Image.new("RGB", (SIZE, SIZE), tuple(int(value) for value in ground))
    draw = ImageDraw.Draw(image)
    radius = int(random.integers(SIZE // 4, SIZE // 3))
    x, y = (int(value) for value in random.integers(radius + 2, SIZE - radius - 2, 2))
    box, colour = (x - radius, y - radius, x + radius, y + radius), tuple(int(v) for v in ink)
    match label:
        case "circle":
            draw.ellipse(box, fill=colour)
        case "square":
            draw.rectangle(box, fill=colour)
        case "triangle":
            draw.polygon([(x, box[1]), (box[0], box[3]), (box[2], box[3])], fill=colour)
        case "cross":
            draw.line((*box[:2], *box[2:]), fill=colour, width=radius // 3)
            draw.line((box[0], box[3], box[2], box[1]), fill=colour, width=radius // 3)
        case "ring":
            draw.ellipse(box, outline=colour, width=radius // 3)
    return image


def main() -> None:
    """Write the model beside this file."""
    keras.utils.set_random_seed(SEED)
    random = np.random.default_rng(SEED)
    model = network()
    labels = np.repeat(np.arange(len(LABELS)), TRAINING)
    pictures = np.stack(
        [np.asarray(picture(LABELS[label], random), dtype=np.float32) for label in labels]
    )
    # Its normalisation layers learn how large what passes through them is.
    body = model.get_layer("body")
    for layer in body.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.5
    for _ in range(2):
        body(pictures[::4] / 127.5 - 1, training=True)

    seen = features(model, pictures)
    mean, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-6
    scaled = (seen - mean) / spread
    wanted = np.eye(len(LABELS))[labels] - 1 / len(LABELS)
    gram = scaled @ scaled.T + RIDGE * len(scaled) * np.eye(len(scaled))
    weights = scaled.T @ np.linalg.solve(gram, wanted)
    head = model.get_layer("head")
    head.set_weights([weights / spread[:, None], -(mean / spread) @ weights])
    model.save_weights(MODEL)
    right = model.predict(pictures, verbose=0).argmax(axis=1) == labels
    fresh = [(label, picture(LABELS[label], random)) for label in list(range(len(LABELS))) * 8]
    answers = model.predict(
        np.stack([np.asarray(image, dtype=np.float32) for _, image in fresh]), verbose=0
    ).argmax(axis=1)
    correct = sum(int(answer) == label for answer, (label, _) in zip(answers, fresh, strict=True))
    print(f"{MODEL.name}: {MODEL.stat().st_size / 1e6:.1f} MB; {right.mean():.0%} of the pictures")
    print(f"that it was fitted to, {correct} of {len(fresh)} others")


if __name__ == "__main__":
    main()
