"""Tokenises, stems and parses without the data that others download."""

import nltk
from nltk import CFG, ChartParser, FreqDist, ngrams
from nltk.metrics import edit_distance
from nltk.stem import PorterStemmer, SnowballStemmer
from nltk.tokenize import RegexpTokenizer, TreebankWordTokenizer, WhitespaceTokenizer
from nltk.translate.bleu_score import sentence_bleu


def use() -> object:
    words = TreebankWordTokenizer().tokenize("Good muffins cost $3.88 in New York, don't they?")
    grammar = CFG.fromstring("S -> N V\nN -> 'dogs'\nV -> 'bark'")
    tree = str(next(ChartParser(grammar).parse(["dogs", "bark"])))
    return [
        words,
        tree,
        PorterStemmer().stem("running"),
        SnowballStemmer("german").stem("laufenden"),
        FreqDist(RegexpTokenizer(r"\w").tokenize("abracadabra")).most_common(2),
        len(list(ngrams(WhitespaceTokenizer().tokenize("a b c d"), 2))),
        edit_distance("kitten", "sitting"),
        round(sentence_bleu([["a", "b", "c", "d"]], ["a", "b", "c", "d"]), 3),
        nltk.pos_tag.__name__,
    ]
