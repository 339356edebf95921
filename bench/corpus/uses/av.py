"""Encodes a film, reads it back, and turns sound."""

import io

import av
import numpy as np


def use() -> object:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(10):
            picture = np.full((48, 64, 3), index * 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    with av.open(io.BytesIO(file.getvalue())) as container:
        frames = [frame.to_image().size for frame in container.decode(video=0)]
    sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), "int16"), layout="mono")
    sound.sample_rate = 8000
    turned = av.AudioResampler("flt", "stereo", 16000).resample(sound)
    return [len(frames), frames[0], turned[0].sample_rate, "h264" in av.codecs_available]
