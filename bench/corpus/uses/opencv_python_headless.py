"""Resizes, finds edges and contours, encodes, detects with data that it brings."""

import cv2
import numpy as np


def use() -> object:
    picture = np.zeros((100, 100, 3), np.uint8)
    cv2.circle(picture, (50, 50), 20, (0, 200, 255), -1)
    cv2.putText(picture, "w", (5, 20), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255))
    gray = cv2.cvtColor(cv2.resize(picture, (200, 200)), cv2.COLOR_BGR2GRAY)
    contours, _ = cv2.findContours(
        (gray > 50).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    found = []
    for kind in (".png", ".jpg", ".webp", ".tiff"):
        _, data = cv2.imencode(kind, picture)
        found.append(list(cv2.imdecode(data, cv2.IMREAD_COLOR).shape))
    points = cv2.ORB_create().detect(gray)
    return [len(contours), found, int(cv2.Canny(gray, 50, 150).sum()), len(points) > 0]
