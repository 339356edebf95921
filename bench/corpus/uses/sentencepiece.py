"""Trains a model on a few sentences and uses it."""

import io

import sentencepiece


def use() -> object:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["wide load on the long road"] * 20 + ["a long wide road"] * 20),
        model_writer=model,
        vocab_size=25,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = processor.encode("wide road")
    return [
        processor.decode(ids),
        processor.unk_id(),
        processor.encode("long", out_type=str)[0][:1],
    ]
