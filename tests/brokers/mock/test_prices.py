"""
Price files: what is recognised, when a bar is known, and every way a line can be wrong.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ltm.brokers.mock.data import PriceFiles
from ltm.brokers.mock.market import Bar, BookTop, Print
from ltm.brokers.mock.synthetic import SyntheticMarket
from ltm.model.errors import ConfigError

D = Decimal
BARS = "timestamp,symbol,open,high,low,close,volume\n"
QUOTES = "timestamp,symbol,bid,bid_size,ask,ask_size\n"
PRINTS = "timestamp,symbol,price,size,venue\n"
KNOWN = [("163.97", "163.99"), ("372.18", "372.24")]


@pytest.fixture
def market(tmp_path):
    """
    Make a market out of the texts of files.
    """

    def make(*texts):
        paths = []
        for number, text in enumerate(texts, 1):
            path = tmp_path / f"{number}.csv"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            paths.append(path)
        return PriceFiles(paths)

    return make


def at(clock, day=5):
    return datetime.fromisoformat(f"2026-01-{day:02}T{clock}:00+00:00")


class TestBars:
    TEXT = (
        BARS + "2026-01-05T10:00:00Z,A,10,11,9,10.5,100\n"
        "2026-01-05T10:00:00Z,B,20,21,19,20,\n"
        "2026-01-05T10:01:00Z,A,10.5,10.5,10.25,10.5,0\n"
    )

    def test_an_open_is_known_at_the_stamp_and_a_close_when_the_bar_is_over(self, market):
        """
        And a close comes before the opens of the same time, as a moment of its own.
        """
        seen = [
            (moment.at, [bar.symbol for bar in moment.opens], [bar.symbol for bar in moment.closes])
            for moment in market(self.TEXT).moments()
        ]

        assert [
            (at("10:00"), ["A", "B"], []),
            (at("10:01"), [], ["A", "B"]),
            (at("10:01"), ["A"], []),
            (at("10:02"), [], ["A"]),
        ] == seen

    def test_numbers_are_exact_and_empty_volume_is_unknown(self, market):
        first = next(market(self.TEXT).moments())

        assert (
            Bar("A", at("10:00"), at("10:01"), D(10), D(11), D(9), D("10.5"), D(100)),
            Bar("B", at("10:00"), at("10:01"), D(20), D(21), D(19), D(20), None),
        ) == first.opens

    def test_tick_size_comes_from_the_decimals(self, market):
        rows = "2026-01-05T10:00:00Z,A,1.1,1.125,1.1,1.1,\n2026-01-05T10:00:00Z,B,7,7,7,7,\n"

        assert [("A", D("0.001")), ("B", D("0.01"))] == [
            (listing.symbol, listing.tick_size) for listing in market(BARS + rows).listings
        ]

    def test_a_days_bar_is_known_at_the_end_of_the_day(self, market):
        rows = "2026-01-05T00:00:00Z,A,1,1,1,1,\n"
        times = [moment.at for moment in market(BARS + rows).moments()]

        assert [at("00:00"), at("00:00", 6)] == times

    def test_bars_further_apart_than_their_length_leave_holes(self, market):
        rows = "".join(f"2026-01-05T{clock}:00Z,A,1,1,1,1,\n" for clock in ("01:30", "02:30", "05:00"))
        times = [moment.at for moment in market(BARS + rows).moments() if moment.closes]

        assert [at("02:30"), at("03:30"), at("06:00")] == times

    def test_closing_quotes_are_used_unless_they_cross(self, market):
        header = BARS.strip() + ",bid_close,ask_close\n"
        rows = "2026-01-05T10:00:00Z,A,1,1,1,1,,0.9,1.1\n2026-01-05T10:01:00Z,A,1,1,1,1,,1.1,0.9\n"
        closes = [moment.closes[0] for moment in market(header + rows).moments() if moment.closes]

        assert [(D("0.9"), D("1.1")), (None, None)] == [(bar.bid, bar.ask) for bar in closes]


class TestTicks:
    def test_quotes_and_prints_are_recognised_by_their_header(self, market):
        quotes = QUOTES + "2026-01-05T10:00:00.500Z,A,1.5,100,1.6,200\n"
        prints = PRINTS + "2026-01-05T10:00:00.250Z,B,3,50,Q\n"
        moments = list(market(quotes, prints).moments())
        half = at("10:00") + timedelta(milliseconds=500)
        quarter = at("10:00") + timedelta(milliseconds=250)

        assert [
            (Print("B", quarter, D(3), D(50)),),
            (BookTop("A", half, D("1.5"), D("1.6"), D(100), D(200)),),
        ] == [moment.ticks for moment in moments]

    def test_everything_at_one_time_is_one_moment_across_files(self, market):
        quotes = QUOTES + "2026-01-05T10:01:00Z,A,1.5,100,1.6,200\n"
        bars = BARS + "2026-01-05T10:00:00Z,B,1,1,1,1,\n"
        moments = list(market(quotes, bars).moments())

        assert [(1, 0, 0), (0, 1, 1)] == [
            (len(moment.opens), len(moment.closes), len(moment.ticks)) for moment in moments
        ]

    def test_offsets_byte_order_marks_quotes_and_blank_lines_are_understood(self, market):
        text = '\ufeff"timestamp","symbol","bid","ask"\n\n"2026-01-05T18:00:00+08:00","600519.SH","1","2"\n\n'
        moments = list(market(text).moments())

        assert [(BookTop("600519.SH", at("10:00"), D(1), D(2)),)] == [moment.ticks for moment in moments]

    def test_progress_ends_at_one(self, market):
        prices = market(QUOTES + "2026-01-05T10:00:00Z,A,1,,2,\n2026-01-05T10:01:00Z,A,1,,2,\n")
        seen = [prices.progress() for _ in prices.moments()]

        assert [0.5, 1.0] == seen


ROW = "2026-01-05T10:00:00Z,A,10,11,9,10,100\n"
BAD = [
    (
        "nan",
        BARS,
        "2026-01-05T10:00:00Z,A,NaN,11,9,10,1\n",
        'column "open" must be a finite number above 0, got "NaN"',
    ),
    ("inf", BARS, "2026-01-05T10:00:00Z,A,10,inf,9,10,1\n", 'column "high" must be a finite number above 0'),
    ("zero", BARS, "2026-01-05T10:00:00Z,A,10,11,0,10,1\n", 'column "low" must be a finite number above 0'),
    (
        "negative",
        BARS,
        "2026-01-05T10:00:00Z,A,10,11,-9,10,1\n",
        'column "low" must be a finite number above 0',
    ),
    (
        "no number",
        BARS,
        "2026-01-05T10:00:00Z,A,1_0,11,9,10,1\n",
        'column "open" must be a finite number above 0',
    ),
    (
        "empty price",
        BARS,
        "2026-01-05T10:00:00Z,A,10,11,9,,1\n",
        'column "close" must be a finite number above 0',
    ),
    (
        "volume",
        BARS,
        "2026-01-05T10:00:00Z,A,10,11,9,10,-1\n",
        'column "volume" must be a finite number, 0 or more',
    ),
    (
        "high below low",
        BARS,
        "2026-01-05T10:00:00Z,A,10,9,11,10,1\n",
        'column "open" must lie between low 11 and high 9',
    ),
    ("close above high", BARS, "2026-01-05T10:00:00Z,A,10,11,9,12,1\n", 'column "close" must lie between'),
    ("crossed", QUOTES, "2026-01-05T10:00:00Z,A,3,1,2,1\n", 'column "bid" must not be above ask 2, got "3"'),
    ("size", QUOTES, "2026-01-05T10:00:00Z,A,1,x,2,1\n", 'column "bid_size" must be a finite number'),
    ("print", PRINTS, "2026-01-05T10:00:00Z,A,0,1,Q\n", 'column "price" must be a finite number above 0'),
    (
        "naive time",
        BARS,
        ROW.replace("Z", ""),
        'column "timestamp" must be an ISO 8601 date and time with an offset',
    ),
    ("date alone", BARS, ROW.replace("T10:00:00Z", ""), 'column "timestamp" must be'),
    ("epoch", BARS, ROW.replace("2026-01-05T10:00:00Z", "1767607200"), 'column "timestamp" must be'),
    ("no day", BARS, ROW.replace("01-05", "02-30"), 'column "timestamp" must be'),
    (
        "year 1",
        BARS,
        ROW.replace("2026-01-05T10:00:00Z", "0001-01-01T00:00:00+14:00"),
        'column "timestamp" must be',
    ),
    ("symbol", BARS, ROW.replace(",A,", ",A B,"), 'column "symbol" may use letters, digits'),
    ("columns", BARS, "2026-01-05T10:00:00Z,A,10,11,9\n", "must have 7 columns on each line, got 5"),
    ("quoting", BARS, '2026-01-05T10:00:00Z,"A"x,10,11,9,10,1\n', "must be CSV"),
]


class TestBadLines:
    @pytest.mark.parametrize(
        ("header", "row", "text"), [case[1:] for case in BAD], ids=[case[0] for case in BAD]
    )
    def test_a_bad_line_is_named_with_file_line_rule_and_cure(self, market, header, row, text):
        """
        BAD-100 at the source: nothing is traded on a file with such a line.
        """
        with pytest.raises(ConfigError) as caught:
            market(header + row)

        assert caught.value.message.startswith("prices ")
        assert text in caught.value.message
        assert caught.value.hint
        assert caught.value.where is not None
        assert "1.csv" in caught.value.where
        assert "quoting" in text or text == "must be CSV" or "line 2" in caught.value.where

    def test_time_may_not_go_back(self, market):
        with pytest.raises(ConfigError, match="must not go back") as caught:
            market(BARS + ROW + ROW.replace("10:00", "09:59").replace(",A,", ",B,"))

        assert str(caught.value.where).endswith("line 3")

    def test_a_symbol_has_one_bar_at_a_time(self, market):
        with pytest.raises(ConfigError, match="must come once per symbol"):
            market(BARS + ROW + ROW)

    def test_two_files_may_not_overlap_for_a_symbol(self, market):
        with pytest.raises(ConfigError, match="one bar of a symbol at a time, got A twice"):
            market(BARS + ROW, BARS + ROW)

    def test_two_files_may_follow_each_other(self, market):
        moments = list(market(BARS + ROW, BARS + ROW.replace("10:00", "11:00")).moments())

        assert 4 == len(moments)

    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("", "header must name timestamp,symbol,open"),
            (b"", "header must name"),
            (BARS, "must hold at least one price"),
            ("date,symbol,open\n", "header must name timestamp"),
            (BARS.replace("volume", "volumes") + ROW, 'for bars, got "volumes"'),
            (BARS.replace("volume", "close") + ROW, "header must name each column once"),
            (BARS.encode() + b"2026-01-05T10:00:00Z,\xff,10,11,9,10,1\n", "must be UTF-8 text"),
            (BARS.encode("utf-16"), "must be UTF-8 text"),
        ],
        ids=["empty", "no bytes", "header only", "unknown", "typo", "twice", "latin", "utf-16"],
    )
    def test_a_file_that_is_no_price_file_is_named(self, market, text, rule):
        """
        BAD-001, BAD-005 for price files.
        """
        with pytest.raises(ConfigError, match="prices") as caught:
            market(text)

        assert rule in caught.value.message
        assert "1.csv" in str(caught.value.where)
        assert caught.value.hint

    @pytest.mark.parametrize("name", ["none.csv", "."])
    def test_a_file_that_cannot_be_read_is_named(self, tmp_path, name):
        with pytest.raises(ConfigError, match="must be a file that can be read"):
            PriceFiles([tmp_path / name])


class TestRealData:
    @pytest.mark.parametrize(
        ("name", "symbols", "interval", "moments"),
        [
            ("us_equities/minute_2013-10.csv", 4, 60, 9930),
            ("us_equities/minute_quotes_2013-10.csv", 2, 60, 1839),
            ("us_equities/trades_IBM_2013-10-07.csv", 1, 0, 19197),
            ("cn_equities/hour_sse50_2020-03-30_2020-08-31.csv", 7, 3600, 838),
            ("crypto/minute_coinbase.csv", 2, 60, 10658),
            ("fx/minute_EURUSD_2014-05.csv", 1, 60, 13318),
        ],
    )
    def test_it_is_read_to_the_end_in_order(self, shared, name, symbols, interval, moments):
        prices = PriceFiles([shared / "data" / name])
        times = [(moment.at, bool(moment.opens)) for moment in prices.moments()]

        assert symbols == len(prices.listings)
        assert interval == prices.price_interval
        assert moments == len(times)
        assert sorted(set(times)) == times
        assert 1 == prices.progress()
        assert prices.start == times[0][0]


class TestSynthetic:
    def make(self, seed):
        return SyntheticMarket(
            ["A", "B"],
            steps=300,
            interval=timedelta(seconds=5),
            start=datetime(2026, 1, 5, tzinfo=UTC),
            seed=seed,
        )

    def test_a_seed_is_a_market(self):
        one, two, other = (list(self.make(seed).moments()) for seed in (7, 7, 8))

        assert one == two
        assert one != other

    def test_it_is_the_same_on_every_machine(self):
        """
        Integers only: these are the prices of seed 7, wherever it runs.
        """
        last = list(self.make(7).moments())[-1]

        assert ["A", "B"] == [tick.symbol for tick in last.ticks]
        assert KNOWN == [(str(tick.bid), str(tick.ask)) for tick in last.ticks]

    def test_its_quotes_are_on_the_grid_and_not_crossed(self):
        for moment in self.make(3).moments():
            for tick in moment.ticks:
                assert 0 < tick.bid < tick.ask
                assert 0 == tick.bid % D("0.01") == tick.ask % D("0.01")
                assert tick.bid_size % 100 == 0 < tick.ask_size
