"""Writes dates and numbers in many languages, and reads time zones."""

import datetime

import pytz
from babel import Locale, dates, numbers
from dateutil import parser, rrule, tz, zoneinfo


def use() -> object:
    day = datetime.datetime(2026, 3, 29, 12, tzinfo=datetime.UTC)
    return [
        [dates.format_datetime(day, locale=one) for one in ("de", "ja", "ar", "zh_Hant")],
        numbers.format_currency(1234.5, "EUR", locale="de_DE"),
        Locale("fr").territories["DE"],
        str(pytz.timezone("Europe/Berlin").localize(datetime.datetime(2026, 7, 1))),
        parser.parse("3 Feb 2026 4pm CET", tzinfos={"CET": tz.tzoffset("CET", 3600)}).isoformat(),
        len(list(rrule.rrule(rrule.WEEKLY, count=3, dtstart=day))),
        zoneinfo.get_zonefile_instance().get("Asia/Tokyo") is not None,
        dates.get_timezone_name("Europe/Berlin", locale="it"),
    ]
