"""Writes and reads YAML, with libyaml too."""

import yaml


def use() -> object:
    value = {"a": [1, 2.5, None, "ü"], "b": {"c": True}}
    text = yaml.dump(value, Dumper=yaml.CSafeDumper, allow_unicode=True)
    same = yaml.load(text, Loader=yaml.CSafeLoader) == yaml.safe_load(text) == value
    return [text, same, [type(one).__name__ for one in yaml.parse("- 1")]]
