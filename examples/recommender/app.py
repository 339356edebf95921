"""Recommends films to a person from the ratings of everybody (item-item nearest neighbours).

The event::

    {"user": 17, "count": 5}

Two keys are optional: ``ratings`` (``s3://bucket/key`` of another table with the columns
user, title, rating) and ``callback`` (a URL that the answer is posted to).
"""

import logging
import os
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import graypy
import numpy as np
import pandas as pd
import requests
from sklearn.neighbors import NearestNeighbors

SHIPPED_RATINGS = Path(__file__).with_name("ratings.csv")
NEIGHBOURS = 15
CALLBACK_TIMEOUT = 5  # seconds

logger = logging.getLogger("recommender")
logger.setLevel(logging.INFO)
if "GRAYLOG_HOST" in os.environ:
    logger.addHandler(graypy.GELFUDPHandler(os.environ["GRAYLOG_HOST"], 12201))


class Recommender:
    """Predicts how a person would rate the films that they have not seen."""

    def __init__(self, ratings: pd.DataFrame) -> None:
        """Learn from a table with the columns user, title and rating."""
        by_film = ratings.pivot(index="title", columns="user", values="rating").sort_index()
        self.titles = by_film.index
        self.users = by_film.columns
        self.user_means = by_film.mean().to_numpy()
        # What counts is how much better than usual a person found a film; unseen is neutral.
        self.seen = by_film.notna().to_numpy()
        self.deviations = by_film.sub(by_film.mean()).fillna(0).to_numpy()

        # One more neighbour than wanted: every film is nearest to itself.
        films = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, metric="cosine", algorithm="brute")
        distances, neighbours = films.fit(self.deviations).kneighbors(self.deviations)
        self.similarity = np.zeros((len(self.titles), len(self.titles)))
        np.put_along_axis(self.similarity, neighbours, 1 - distances, axis=1)
        np.fill_diagonal(self.similarity, 0)

    def recommend(self, user: int, count: int) -> list[dict]:
        """Return the `count` films that this person would probably like best.

        Scores are rounded and equal ones ordered by title, so that the answer is the same
        whatever the linear algebra underneath.
        """
        if user not in self.users:
            raise ValueError(f"user {user} has not rated anything")
        column = self.users.get_loc(user)
        seen = self.seen[:, column]
        weights = np.where(seen, self.similarity, 0).clip(min=0)
        evidence = weights.sum(axis=1)
        pull = weights * self.deviations[:, column]
        predicted = self.user_means[column] + pull.sum(axis=1) / np.where(evidence > 0, evidence, 1)

        found = [
            {
                "title": self.titles[film],
                "score": round(float(predicted[film]), 4),
                "because": self.titles[pull[film].argmax()],
            }
            for film in np.flatnonzero(~seen & (evidence > 0))
        ]
        return sorted(found, key=lambda film: (-film["score"], film["title"]))[:count]


@cache
def shipped() -> Recommender:
    """Learn from the table in the package, once per execution environment."""
    return Recommender(pd.read_csv(SHIPPED_RATINGS))


def from_s3(url: str) -> Recommender:
    """Learn from a table in S3."""
    parts = urlsplit(url)
    stored = boto3.client("s3").get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))
    return Recommender(pd.read_csv(stored["Body"]))


def handler(event: dict, context: object) -> dict:
    """Answer one request of a person for recommendations."""
    recommender = from_s3(event["ratings"]) if "ratings" in event else shipped()
    user, count = event["user"], event.get("count", 5)
    answer = {"user": user, "recommendations": recommender.recommend(user, count)}
    logger.info("recommended %d films to user %s", len(answer["recommendations"]), user)

    if "callback" in event:
        try:
            requests.post(
                event["callback"], json=answer, timeout=CALLBACK_TIMEOUT
            ).raise_for_status()
        except requests.RequestException as error:
            logger.warning("callback failed: %s", error)
    return answer
