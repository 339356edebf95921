"""Writes ratings.csv: made-up films, rated by made-up people. Needs only Python.

    python make_ratings.py > ratings.csv

Every person loves one genre, likes another and is bored by a third, which is what a
recommender is meant to find again. The only source of chance is `random.Random.random`,
the one method whose sequence Python promises to keep from version to version.
"""

import csv
import random
import sys

SEED = 20230607
USERS = 120
FILMS_SEEN = (18, 34)

FILMS = {
    "western": [
        "Dust Over Carrow Flat", "The Tollkeeper's Rifle", "Nine Wells to Amity",
        "A Saddle for Marguerite", "Low Sun at Pell Crossing", "The Quiet Deputy",
        "Barbed Wire Waltz", "Last Coach from Orrin", "Copperhead Vespers",
        "The Widow's Claim",
    ],
    "space": [
        "Perihelion Nine", "The Cartographer of Europa", "Slow Light", "Airlock Lullaby",
        "Tidal Lock", "The Kuiper Inheritance", "Eleven Minutes to Ganymede",
        "Static from Vesta", "A Garden in Hard Vacuum", "The Second Ringfall",
    ],
    "noir": [
        "Rain on Mercer Street", "The Ledger and the Lamp", "Nobody Asks for Dolores",
        "Ash Wednesday Alibi", "The Pawnbroker's Shadow", "Cold Coffee, Warm Gun",
        "A Hat on the Landing", "The Ferry Leaves at Two", "Smoke for Mister Lyle",
        "The Seventh Doorman",
    ],
    "romance": [
        "Letters to the Lighthouse Keeper", "The Apricot Season", "Tuesday, Again",
        "A Table by the Canal", "What Ines Forgot", "The Umbrella Exchange",
        "Between Trains in Lille", "Her Brother's Best Man", "The Slow Dance Academy",
        "Marzipan Hearts",
    ],
    "horror": [
        "The House Kept Counting", "Mother of Moths", "Below the Tannery",
        "Do Not Wake the Choir", "The Salt Room", "Teeth in the Orchard",
        "The Cellar at Number Forty", "Her Third Reflection", "Wicker Season",
        "The Long Knock",
    ],
    "heist": [
        "Four Keys and a Fool", "The Vermeer Shift", "Vault Weather", "A Clean Pair of Hands",
        "The Antwerp Arrangement", "Ten Past the Alarm", "The Locksmith's Daughter-in-Law",
        "Counterfeit Sunday", "Half of Everything", "The Inside Woman",
    ],
    "comedy": [
        "My Uncle's Llama", "The Accidental Bishop", "Two Plumbers in Venice",
        "Wedding at Gate Fourteen", "The Understudy's Understudy", "A Goat for the Mayor",
        "Sorry About the Piano", "Carpool to Nowhere", "The Worst Hotel in Bavaria",
        "Auntie Goes Electric",
    ],
    "sport": [
        "The Ninth Lap", "Left Hook, Right Road", "Goalkeeper's Moon", "Cold Water Crew",
        "The Relay Sisters", "Overtime in Gdansk", "A Bat Called Henrietta",
        "The Velodrome Winter", "Extra Time for Tomas", "Chalk and Rope",
    ],
    "animals": [
        "The Otter Who Stayed", "Songs of the Grey Herd", "Paws on Platform Six",
        "A Fox Called Monday", "The Beekeeper's Bear", "Whale Road Home",
        "Three Owls and a Lantern", "The Penguin Ledger", "Badger Parliament",
        "The Last Carrier Pigeon",
    ],
    "history": [
        "The Salt Tax", "Queen of the Fen Country", "A Bridge for the Emperor",
        "The Printer of Leiden", "Winter at the Siege", "The Glassblower's Treaty",
        "Seven Ships to Lisbon", "The Bell Founders", "Daughters of the Mill Strike",
        "The Cardinal's Clock",
    ],
}  # fmt: skip


def ratings():
    """Yield (user, title, stars from 1 to 5), by user and then title."""
    chance = random.Random(SEED)
    genres = list(FILMS)
    genre_of = {title: genre for genre, titles in FILMS.items() for title in titles}
    quality = {title: 1.6 * chance.random() - 0.8 for title in genre_of}
    for user in range(1, USERS + 1):
        love, like, bored = sorted(genres, key=lambda _: chance.random())[:3]
        taste = {love: 1.7, like: 0.9, bored: -1.6}
        fewest, most = FILMS_SEEN
        count = fewest + int(chance.random() * (most - fewest + 1))
        # People see more of what they like: the draw is weighted by taste.
        by_draw = sorted(
            genre_of, key=lambda title: -chance.random() * (2 + taste.get(genre_of[title], 0))
        )
        for title in sorted(by_draw[:count]):
            noise = chance.random() + chance.random() - 1
            stars = 3 + taste.get(genre_of[title], 0) + quality[title] + noise
            yield user, title, min(5, max(1, int(stars + 0.5)))


def main():
    """Write the table to standard output."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["user", "title", "rating"])
    table.writerows(ratings())


if __name__ == "__main__":
    main()
