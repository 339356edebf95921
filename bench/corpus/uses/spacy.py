"""Tokenises and matches with a blank pipeline, trains a small classifier."""

import spacy
from spacy import displacy, util
from spacy.matcher import Matcher, PhraseMatcher
from spacy.training import Example


def use() -> object:
    english = spacy.blank("en")
    english.add_pipe("sentencizer")
    ruler = english.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ORG", "pattern": "Wideload"}])
    text = english("Wideload can't stop. It's $5.50 in the U.K.!")
    matcher = Matcher(english.vocab)
    matcher.add("price", [[{"ORTH": "$"}, {"LIKE_NUM": True}]])
    german = spacy.blank("de")("Das z.B. ist gut.")
    small = spacy.blank("en")
    small.add_pipe("textcat").add_label("a")
    small.get_pipe("textcat").add_label("b")
    examples = [
        Example.from_dict(small.make_doc(t), {"cats": {"a": t == "x", "b": t != "x"}}) for t in "xy"
    ]
    small.initialize(lambda: examples)
    small.update(examples)
    phrases = PhraseMatcher(english.vocab)
    phrases.add("p", [english.make_doc("can't stop")])
    return [
        [token.text for token in text],
        [entity.label_ for entity in text.ents],
        len(list(text.sents)),
        len(matcher(text)),
        len(phrases(text)),
        [token.text for token in german],
        sorted(small("x").cats),
        displacy.render(text, style="ent")[:20],
        len(util.registry.languages.get_all()) > 0,
    ]
