"""Makes a tokenizer and settings without any download, and lists its models."""

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, BertConfig, PreTrainedTokenizerFast
from transformers.models.auto.configuration_auto import CONFIG_MAPPING


def use() -> object:
    inner = Tokenizer(models.WordLevel({"wide": 0, "load": 1, "?": 2}, unk_token="?"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    one = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="?", pad_token="?")
    one.save_pretrained("/tmp/t")
    again = PreTrainedTokenizerFast.from_pretrained("/tmp/t")
    BertConfig(hidden_size=12, num_attention_heads=3).save_pretrained("/tmp/t")
    return [
        again(["wide load", "x"], padding=True)["input_ids"],
        AutoConfig.from_pretrained("/tmp/t").hidden_size,
        len(CONFIG_MAPPING) > 100,
    ]
