"""Writes bars.json: made-up daily prices, in the shape that Alpaca's market data API answers.

    python make_bars.py > bars.json

Three shares that do not exist walk at random, with a drift that turns half way. The only
source of chance is `random.Random.random`, whose sequence Python promises to keep from
version to version, and only + - * / touch the prices, so the file comes out the same anywhere.
"""

import datetime
import json
import random
import sys

SEED = 20240564
FIRST_DAY = datetime.date(2024, 1, 2)
DAYS = 120
# Symbol: first price, daily drift before and after the turn.
SHARES = {
    "BRKW": (41.50, 0.0030, -0.0022),
    "LUMA": (187.25, -0.0025, 0.0034),
    "TUVO": (12.80, 0.0004, 0.0032),
}
DAILY_RANGE = 0.018


def weekdays():
    """Yield trading days: Monday to Friday, holidays not minded."""
    day = FIRST_DAY
    for _ in range(DAYS):
        yield day
        day += datetime.timedelta(days=3 if day.weekday() == 4 else 1)


def bars(symbol):
    """Return the daily bars of one share, oldest first."""
    chance = random.Random(f"{SEED} {symbol}")
    price, before, after = SHARES[symbol]
    made = []
    for number, day in enumerate(weekdays()):
        drift = before if number < DAYS // 2 else after
        opening = price
        # The sum of three even draws is near enough to a bell curve.
        swing = (chance.random() + chance.random() + chance.random() - 1.5) * 2 * DAILY_RANGE
        price = opening * (1 + drift + swing)
        high = max(opening, price) * (1 + DAILY_RANGE * chance.random() / 2)
        low = min(opening, price) * (1 - DAILY_RANGE * chance.random() / 2)
        made.append(
            {
                "t": f"{day.isoformat()}T05:00:00Z",
                "o": round(opening, 2),
                "h": round(high, 2),
                "l": round(low, 2),
                "c": round(price, 2),
                "v": 200_000 + int(chance.random() * 800_000),
                "n": 2_000 + int(chance.random() * 8_000),
                "vw": round((high + low + price) / 3, 4),
            }
        )
    return made


def main():
    """Write the answer of the API to standard output."""
    answer = {"bars": {symbol: bars(symbol) for symbol in SHARES}, "next_page_token": None}
    # One bar a line, so that a changed price is a changed line.
    text = json.dumps(answer).replace(" [{", " [\n{").replace("}, {", "},\n{")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
