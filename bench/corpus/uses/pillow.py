"""Resizes a picture, writes text on it, saves it in several formats and reads these."""

import io

from PIL import Image, ImageDraw, ImageFilter, ImageFont, features


def use() -> object:
    picture = Image.linear_gradient("L").convert("RGB").resize((120, 80), Image.Resampling.LANCZOS)
    ImageDraw.Draw(picture).text((5, 5), "wide", font=ImageFont.load_default(20))
    picture = picture.filter(ImageFilter.GaussianBlur(1))
    found = []
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "JPEG2000"):
        file = io.BytesIO()
        picture.save(file, kind)
        again = Image.open(io.BytesIO(file.getvalue()))
        again.load()
        found.append([again.format, again.size, again.getpixel((60, 40))])
    return [found, features.check("libjpeg_turbo"), features.check("raqm")]
