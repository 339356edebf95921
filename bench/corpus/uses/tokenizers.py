"""Trains a tokenizer on a few words and uses it."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers


def use() -> object:
    one = Tokenizer(models.BPE(unk_token="?"))
    one.normalizer = normalizers.NFKC()
    one.pre_tokenizer = pre_tokenizers.ByteLevel()
    one.decoder = decoders.ByteLevel()
    one.train_from_iterator(
        ["wide load wide road"] * 9,
        trainers.BpeTrainer(vocab_size=60, special_tokens=["?"], show_progress=False),
    )
    found = one.encode("wide road")
    return [found.tokens, one.decode(found.ids), one.get_vocab_size()]
