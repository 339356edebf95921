"""Says whether to buy or sell shares: two moving averages, held back by relative strength.

The event::

    {"symbols": ["BRKW"], "fast": 10, "slow": 30}

``fast`` and ``slow`` are the days that the averages look back, and may be left out. The
prices are the bars in the package, parsed by Alpaca's own models; nothing is traded.
"""

import json
from functools import cache
from pathlib import Path

import pandas as pd
from alpaca.data.models import BarSet

SHIPPED_BARS = Path(__file__).with_name("bars.json")
RSI_DAYS = 14
OVERBOUGHT, OVERSOLD = 70, 30


@cache
def closes() -> pd.DataFrame:
    """Read closing prices, a column for each symbol, once per execution environment."""
    bars = BarSet(json.loads(SHIPPED_BARS.read_text())["bars"])
    return bars.df["close"].unstack("symbol")


def relative_strength(close: pd.Series) -> pd.Series:
    """Return Wilder's relative strength index, from 0 (only losses) to 100 (only gains)."""
    change = close.diff().dropna()
    # Wilder smooths by 1/n, where an exponential average of span n would take 2/(n + 1).
    wilder = {"alpha": 1 / RSI_DAYS, "adjust": False, "min_periods": RSI_DAYS}
    gain = change.clip(lower=0).ewm(**wilder).mean()
    loss = (-change.clip(upper=0)).ewm(**wilder).mean()
    return 100 * gain / (gain + loss)


def signal(close: pd.Series, fast: int, slow: int) -> dict:
    """Return what to do about one share, and why."""
    if len(close) <= max(slow, RSI_DAYS):
        raise ValueError(f"{len(close)} bars are too few for an average of {slow} days")
    averages = pd.DataFrame(
        {"fast": close.rolling(fast).mean(), "slow": close.rolling(slow).mean()}
    ).dropna()
    rising = averages["fast"] > averages["slow"]
    turns = rising.index[rising != rising.shift(fill_value=rising.iloc[0])]
    rsi = relative_strength(close).iloc[-1]

    action = "hold"
    if rising.iloc[-1] and rsi < OVERBOUGHT:
        action = "buy"
    elif not rising.iloc[-1] and rsi > OVERSOLD:
        action = "sell"
    return {
        "action": action,
        "close": round(float(close.iloc[-1]), 2),
        "fast": round(float(averages["fast"].iloc[-1]), 4),
        "slow": round(float(averages["slow"].iloc[-1]), 4),
        "rsi": round(float(rsi), 2),
        "crossed": turns[-1].date().isoformat() if len(turns) else None,
    }


def handler(event: dict, context: object) -> dict:
    """Answer one request for signals."""
    fast, slow = event.get("fast", 10), event.get("slow", 30)
    if not 0 < fast < slow:
        raise ValueError(f"fast ({fast}) must be less than slow ({slow})")
    prices = closes()
    unknown = sorted(set(event["symbols"]) - set(prices.columns))
    if unknown:
        raise ValueError(f"no bars of {', '.join(unknown)}")
    return {
        "as_of": prices.index[-1].date().isoformat(),
        "signals": {
            symbol: signal(prices[symbol].dropna(), fast, slow) for symbol in event["symbols"]
        },
    }
