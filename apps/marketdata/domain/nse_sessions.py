"""When the National Stock Exchange of India was open, as far as it has been observed.

Source: NSE's published daily prices, 2018 to August 2026, and its circulars on special sessions.
The packaged calendars miss weekend sessions and the evening sessions of Diwali.
"""

from datetime import date

FIRST_KNOWN = date(2018, 1, 1)
LAST_KNOWN = date(2026, 8, 21)

# Minutes after midnight in India
REGULAR_SESSION = (555, 930)  # 09:15 to 15:30
_EVENING = (1095, 1155)  # 18:15 to 19:15, the hour of Muhurat trading in most years

_CLOSED_WEEKDAYS = {
    2018: (
        "01-26 02-13 03-02 03-29 03-30 05-01 08-15 08-22 09-13 09-20 10-02 10-18 11-08 11-23 12-25"
    ),
    2019: (
        "03-04 03-21 04-17 04-19 04-29 05-01 06-05 08-12 08-15 09-02 09-10 10-02 10-08 "
        "10-21 10-28 11-12 12-25"
    ),
    2020: "02-21 03-10 04-02 04-06 04-10 04-14 05-01 05-25 10-02 11-16 11-30 12-25",
    2021: "01-26 03-11 03-29 04-02 04-14 04-21 05-13 07-21 08-19 09-10 10-15 11-05 11-19",
    2022: "01-26 03-01 03-18 04-14 04-15 05-03 08-09 08-15 08-31 10-05 10-26 11-08",
    2023: (
        "01-26 03-07 03-30 04-04 04-07 04-14 05-01 06-29 08-15 09-19 10-02 10-24 11-14 11-27 12-25"
    ),
    2024: (
        "01-22 01-26 03-08 03-25 03-29 04-11 04-17 05-01 05-20 06-17 07-17 08-15 10-02 "
        "11-15 11-20 12-25"
    ),
    2025: "02-26 03-14 03-31 04-10 04-14 04-18 05-01 08-15 08-27 10-02 10-22 11-05 12-25",
    2026: "01-15 01-26 03-03 03-26 03-31 04-03 04-14 05-01 05-28 06-26",
}
CLOSED_WEEKDAYS = frozenset(
    date.fromisoformat(f"{year}-{day}")
    for year, days in _CLOSED_WEEKDAYS.items()
    for day in days.split()
)

SPECIAL_SESSIONS: dict[date, tuple[tuple[int, int], ...]] = {
    date(2018, 11, 7): ((1050, 1110),),  # Muhurat, 17:30 to 18:30
    date(2019, 10, 27): (_EVENING,),
    date(2020, 2, 1): (REGULAR_SESSION,),  # budget on a Saturday
    date(2020, 11, 14): (_EVENING,),
    date(2021, 2, 24): ((555, 700), (945, 1020)),  # halted at 11:40, resumed 15:45 to 17:00
    date(2021, 11, 4): (_EVENING,),
    date(2022, 10, 24): (_EVENING,),
    date(2023, 11, 12): (_EVENING,),
    date(2024, 1, 20): (REGULAR_SESSION,),
    date(2024, 3, 2): ((555, 600), (690, 750)),  # disaster recovery drill, 09:15 and 11:30
    date(2024, 5, 18): ((555, 600), (690, 750)),
    date(2024, 11, 1): ((1080, 1140),),  # Muhurat, 18:00 to 19:00
    date(2025, 2, 1): (REGULAR_SESSION,),
    date(2025, 10, 21): ((825, 885),),  # Muhurat, 13:45 to 14:45
    date(2026, 2, 1): (REGULAR_SESSION,),
}
