"""Learns words and topics of a few sentences."""

from gensim import corpora, models, similarities
from gensim.models import FastText, LdaModel, Word2Vec
from gensim.parsing.preprocessing import preprocess_string
from gensim.test.utils import common_texts


def use() -> object:
    texts = [["wide", "load"], ["long", "road"], ["wide", "road"]]
    words = corpora.Dictionary(texts)
    bags = [words.doc2bow(text) for text in texts]
    index = similarities.MatrixSimilarity(models.TfidfModel(bags)[bags])
    vectors = Word2Vec(texts, vector_size=8, min_count=1, workers=1, epochs=2, seed=1).wv
    return [
        len(words),
        [round(float(v), 3) for v in index[models.TfidfModel(bags)[bags[0]]]],
        sorted(vectors.key_to_index),
        LdaModel(bags, 2, words, random_state=0).num_topics,
        FastText(texts, vector_size=4, min_count=1, workers=1).wv.vector_size,
        preprocess_string("The wide <b>loads</b>"),
        len(common_texts),
    ]
