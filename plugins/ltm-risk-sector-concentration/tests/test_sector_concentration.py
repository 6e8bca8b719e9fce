"""
The `sector_concentration` rule: the published vectors, its boundaries, and what must hold for any order (RSK-21).
"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltm.model.enums import Side
from ltm.model.errors import ConfigError
from ltm.model.instrument import Instrument
from ltm.model.numbers import RULES
from ltm.model.order import OrderDraft
from ltm.model.results import Allow, Deny
from ltm.ports import EquityBases, EquityRule, GroupExposure, GroupingRule, RiskSnapshot
from ltm_risk_sector_concentration import hooks
from ltm_risk_sector_concentration.config import SectorConcentrationConfig
from ltm_risk_sector_concentration.rule import SectorConcentration

D = Decimal
SHARED = Path(__file__).parents[4] / "shared"
VECTORS = SHARED / "vectors" / "risk_vectors.json"
NAME = "sector_concentration"
HEADER = "symbol,sector,weight\n"


@pytest.fixture(autouse=True)
def _rules_context():
    with localcontext(RULES):
        yield


@pytest.fixture(scope="session")
def sectors(tmp_path_factory):
    path = tmp_path_factory.mktemp("sectors") / "sectors.csv"
    path.write_text(
        HEADER + "AAPL,tech,\n600519,staples,1\nBRK,finance,0.6\nBRK,industry,0.4\n", encoding="utf-8"
    )
    return path


@pytest.fixture(scope="session")
def rule(sectors):
    return made(sectors)


def made(path, limit="0.4", **settings):
    return SectorConcentration(
        SectorConcentrationConfig(max_sector_fraction=D(limit), sectors=path, **settings)
    )


def draft(side="buy"):
    return OrderDraft(symbol="AAPL", side=Side(side), quantity=D(1))


def group(before, after, name="tech", weight="1", rule=NAME):
    return GroupExposure(rule, name, D(before), D(after), D(weight))


def snapshot(*groups, equity="100000", price="100", long="0", short="0"):
    return RiskSnapshot(
        sequence=1,
        now=datetime(2026, 1, 5, tzinfo=UTC),
        instrument=Instrument(symbol="AAPL", currency="USD"),
        equity=D(equity),
        equity_valid=True,
        initial_capital=D(equity),
        cash=D(equity),
        bases=EquityBases(peak=D(equity), day_start=D(equity), loss_base=D(equity)),
        trading_date=date(2026, 1, 5),
        position=D(0),
        mark_price=D(price),
        worst_price=D(price),
        long_before=D(long),
        long_after=D(long),
        short_before=D(short),
        short_after=D(short),
        groups=groups,
    )


def filled(side, quantity, *, weights, elsewhere, price, long, short, equity):
    """
    The kernel's part of RSK-21: the groups with and without a candidate of this quantity.
    """
    long_after = long + quantity * price if side == "buy" else long
    short_after = short - quantity * price if side == "sell" else short
    before = max(abs(long), abs(short))
    grown = max(abs(long_after), abs(short_after)) - before
    groups = [
        group(elsewhere + weight * before, elsewhere + weight * (before + grown), name, weight)
        for name, weight in weights.items()
    ]
    return snapshot(*groups, equity=equity, price=price, long=long, short=short)


def vectors():
    if not VECTORS.exists():
        return []
    rows = json.loads(VECTORS.read_text(encoding="utf-8"))
    return [row for row in rows if row["rule"] == NAME]


@pytest.mark.skipif(not VECTORS.exists(), reason="shared/vectors is not beside this checkout")
def test_there_are_vectors():
    assert vectors()


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in vectors()])
def test_vector(row, sectors):
    """
    RSK-21: the decision is that of the published vector; an unknown symbol belongs to no group.
    """
    given = row["given"]
    worst = {} if given["unknown_sector"] else given["worst_case_by_sector"]
    groups = [group("0", value, name) for name, value in worst.items()]
    verdict = made(sectors, given["limit"]).check(draft(), snapshot(*groups, equity=given["equity"]))

    assert row["expect"] == ("allow" if isinstance(verdict, Allow) else "deny")
    assert isinstance(verdict, Allow) or verdict.code in row["why"] or verdict.code == NAME


@pytest.mark.parametrize(
    ("after", "expected"),
    [("39999.99", Allow), ("40000", Allow), ("40000.01", Deny)],
    ids=["inside", "at", "beyond"],
)
def test_the_boundary(rule, after, expected):
    """
    RSK-21: equality allows, a cent more does not.
    """
    verdict = rule.check(draft(), snapshot(group("0", after)))

    assert isinstance(verdict, expected)
    assert (D(after), D(40000)) == (verdict.measured, verdict.limit)


def test_each_sector_of_a_weighted_symbol_is_judged(rule):
    """
    RSK-21: one sector over its limit denies, whatever the others; the fullest is reported.
    """
    fine = snapshot(group("0", "600", "finance", "0.6"), group("0", "400", "industry", "0.4"))
    over = snapshot(group("0", "600", "finance", "0.6"), group("39900", "40100", "industry", "0.4"))

    assert Allow(D(600), D(40000)) == rule.check(draft(), fine)
    assert "industry" in rule.check(draft(), over).message


def test_groups_of_other_rules_do_not_count(rule):
    """
    Another grouping rule's sums say nothing about a sector, and do not make one known.
    """
    foreign = snapshot(group("0", "90000", rule="country_concentration"))

    assert "sector_unknown" == rule.check(draft(), foreign).code
    assert D(0) == rule.headroom(draft(), foreign)


def test_a_sector_over_its_limit_does_not_deny_what_does_not_add_to_it(rule):
    """
    RSK-14: a passive breach denies more of the same only.
    """
    assert isinstance(rule.check(draft(), snapshot(group("50000", "50000"))), Allow)
    assert isinstance(rule.check(draft(), snapshot(group("50000", "49000"))), Allow)
    assert isinstance(rule.check(draft(), snapshot(group("50000", "50001"))), Deny)


@pytest.mark.parametrize("equity", ["0", "-5"])
def test_without_equity_nothing_is_opened(rule, equity):
    """
    RSK-20: E <= 0 denies every entry.
    """
    assert "equity_not_positive" == rule.check(draft(), snapshot(group("0", "1"), equity=equity)).code
    assert D(0) == rule.headroom(draft(), snapshot(group("0", "0"), equity=equity))


def test_a_denial_says_its_numbers(rule):
    """
    RSK-13: the record of a decision can be read without the source.
    """
    expected = "worst-case exposure of tech, 40001, is above 40000 (0.4 of equity 100000)"

    assert expected == rule.check(draft(), snapshot(group("0", "40001"))).message


def test_no_price_leaves_no_room(rule):
    """
    Without a positive price nothing can be sized.
    """
    assert D(0) == rule.headroom(draft(), snapshot(group("0", "0"), price="-1"))


def test_the_bucket_of_the_unknown_has_a_limit_of_its_own(sectors):
    """
    RSK-21: `unknown = "bucket"` puts everything unnamed into one sector.
    """
    stranger = Instrument(symbol="ZZZ", currency="USD")
    shared = made(sectors, unknown="bucket")
    own = made(sectors, unknown="bucket", max_unknown_fraction=D("0.1"))

    assert {"?": D(1)} == shared.groups_of(stranger)
    assert isinstance(shared.check(draft(), snapshot(group("0", "40000", "?"))), Allow)
    assert isinstance(own.check(draft(), snapshot(group("0", "10000", "?"))), Allow)
    assert "(0.1 of equity 100000)" in own.check(draft(), snapshot(group("0", "10001", "?"))).message
    assert isinstance(own.check(draft(), snapshot(group("0", "10001"))), Allow)


@pytest.mark.parametrize(
    ("instrument", "expected"),
    [
        (Instrument(symbol="AAPL", currency="USD"), {"tech": D(1)}),
        (Instrument(symbol="600519.SH", currency="CNY", aliases=("moutai", "600519")), {"staples": D(1)}),
        (Instrument(symbol="BRK", currency="USD"), {"finance": D("0.6"), "industry": D("0.4")}),
        (Instrument(symbol="ZZZ", currency="USD"), {}),
        (Instrument(symbol="aapl", currency="USD"), {}),
    ],
    ids=["symbol", "alias", "weights", "unknown", "other case"],
)
def test_an_instrument_belongs_to_the_sectors_of_the_file(rule, instrument, expected):
    """
    RSK-21: by symbol, else by alias; nothing is guessed.
    """
    assert expected == rule.groups_of(instrument)


@pytest.mark.parametrize("name", ["us_sp500_gics.csv", "cn_equities.csv"])
def test_the_published_sector_files_are_read(name):
    """
    Extra columns and quoted names are no obstacle.
    """
    path = SHARED / "data" / "sectors" / name
    if not path.exists():
        pytest.skip("shared/data is not beside this checkout")

    symbol = path.read_text(encoding="utf-8").splitlines()[1].split(",")[0]

    assert made(path).groups_of(Instrument(symbol=symbol, currency="USD"))


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("", "line 1", "must have a column symbol, got an empty file"),
        ("symbol,sectr\n", "line 1", 'must have a column sector, got "symbol", "sectr"'),
        ("symbol,sector,sector\n", "line 1, column sector", "must be there once"),
        (HEADER + "AAPL,tech\n", "line 2", "must have 3 columns in each row, got 2"),
        (HEADER + "\nAAPL,tech,1,5\n", "line 3", "must have 3 columns in each row, got 4"),
        (HEADER + "A B,tech,1\n", "line 2, column symbol", 'must be a symbol, got "A B"'),
        (HEADER + ",tech,1\n", "line 2, column symbol", 'must be a symbol, got ""'),
        (
            HEADER + "AAPL,,1\n",
            "line 2, column sector",
            'must be a name of at most 64 characters, not "?", got ""',
        ),
        (HEADER + "AAPL,?,1\n", "line 2, column sector", 'not "?", got "?"'),
        (HEADER + "AAPL,a\x1bb,1\n", "line 2, column sector", 'got "a\\x1bb"'),
        (HEADER + "AAPL," + "x" * 65 + ",1\n", "line 2, column sector", "must be a name of at most 64"),
        (
            HEADER + "A,Tech,1\nB,tech,1\n",
            "line 3, column sector",
            'must be spelled as in line 2, "Tech", got "tech"',
        ),
        (HEADER + "A,tech,-0.1\n", "line 2, column weight", 'must be > 0 and <= 1, got "-0.1"'),
        (HEADER + "A,tech,0\n", "line 2, column weight", 'must be > 0 and <= 1, got "0"'),
        (HEADER + "A,tech,nan\n", "line 2, column weight", 'must be > 0 and <= 1, got "nan"'),
        (HEADER + "A,tech,0.5\nA,food,0.4\n", "line 3, column weight", 'of "A" must sum to 1, got 0.9'),
        (
            HEADER + "A,tech,0.5\nA,tech,0.5\n",
            "line 3, column symbol",
            'must name "A" once, got it in line 2 too',
        ),
        (
            "symbol,sector\nA,tech\nA,food\n",
            "line 3, column symbol",
            'must name "A" once, got it in line 2 too',
        ),
        (HEADER + 'A,"tech"x,1\n', "line 2", "must be valid CSV"),
    ],
)
def test_a_doubtful_sector_file_is_refused(tmp_path, text, where, message):
    """
    BAD-031: file, line and column are named.
    """
    path = tmp_path / "sectors.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        made(path)

    assert f"{path}, {where}" == caught.value.where
    assert message in caught.value.message
    assert ("LTM-CFG-031", "sectors") == (caught.value.code, caught.value.field)


@pytest.mark.parametrize(
    ("data", "where", "message"),
    [
        (b"symbol,sector\nA,\xff\xfe\n", ", line 2", "must be UTF-8"),
        (b"x" * ((1 << 24) + 1), "", "must be smaller than 16 MB"),
        (None, "", "must be a readable file: No such file or directory"),
    ],
    ids=["not UTF-8", "too large", "missing"],
)
def test_an_unreadable_sector_file_is_refused(tmp_path, data, where, message):
    """
    BAD-031: what cannot be read is said, without a traceback.
    """
    path = tmp_path / "sectors.csv"
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(ConfigError) as caught:
        made(path)

    assert f"{path}{where}" == caught.value.where
    assert message in caught.value.message


def test_a_table_in_the_settings_is_as_good_as_a_file(rule, sectors):
    table = {"AAPL": "tech", "600519": "staples"}
    listed = made(table)

    for symbol in table:
        instrument = Instrument(symbol=symbol, currency="USD")
        assert rule.groups_of(instrument) == listed.groups_of(instrument)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"AA PL": "tech"}, 'sectors symbol must be a symbol, got "AA PL"'),
        ({"AAPL": "?"}, 'sectors sector must be a name of at most 64 characters, not "?", got "?"'),
        ({"AAPL": "Tech", "MSFT": "tech"}, 'sectors sector must be spelled as in line 1, "Tech", got "tech"'),
    ],
    ids=["symbol", "sector", "spelling"],
)
def test_a_doubtful_sector_table_is_refused(table, message):
    with pytest.raises(ConfigError) as caught:
        made(table)

    assert message == caught.value.message


def test_a_byte_order_mark_is_no_column(tmp_path):
    """
    Spreadsheets write one.
    """
    path = tmp_path / "sectors.csv"
    path.write_bytes(b"\xef\xbb\xbfsymbol,sector\r\nAAPL,tech\r\n")

    assert {"tech": D(1)} == made(path).groups_of(Instrument(symbol="AAPL", currency="USD"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 40}, "max_sector_fraction must be between 0 and 1, got 40"),
        ({"limit": 0}, "max_sector_fraction must be > 0 and <= 1, got 0"),
        ({"unknown": "skip"}, 'unknown must be "deny" or "bucket", got "skip"'),
        ({"max_unknown_fraction": 2}, "max_unknown_fraction must be between 0 and 1, got 2"),
    ],
)
def test_a_wrong_setting_is_refused_when_it_is_read(sectors, settings, message):
    """
    BAD-008, BAD-009, BAD-028.
    """
    with pytest.raises(ConfigError) as caught:
        made(sectors, **settings)

    assert message == caught.value.message


cents = st.decimals(min_value="0", max_value="50000", places=2)
prices = st.decimals(min_value="0.01", max_value="5000", places=2)
equities = st.decimals(min_value="-1000", max_value="1000000", places=2)
sides = st.sampled_from(["buy", "sell"])
weightings = st.sampled_from([{"tech": D(1)}, {"finance": D("0.6"), "industry": D("0.4")}])
LOT = D("0.0001")


@given(
    elsewhere=cents, long=cents, short=cents, price=prices, equity=equities, side=sides, weights=weightings
)
def test_headroom_is_what_check_lets_pass(*, rule, elsewhere, long, short, price, equity, side, weights):
    """
    The quantity that `headroom` names passes; one lot more does not.
    """
    facts = {
        "weights": weights,
        "elsewhere": elsewhere,
        "price": price,
        "long": long,
        "short": -short,
        "equity": equity,
    }
    room = rule.headroom(draft(side), filled(side, D(0), **facts))
    lots = room - room % LOT

    assert isinstance(rule.check(draft(side), filled(side, lots, **facts)), Allow)
    assert isinstance(rule.check(draft(side), filled(side, lots + LOT, **facts)), Deny)


@given(before=cents, after=cents, equity=equities)
def test_only_a_sector_that_grows_denies(rule, before, after, equity):
    """
    RSK-14: a denial means that the sector became larger.
    """
    verdict = rule.check(draft(), snapshot(group(before, after), equity=equity))

    assert isinstance(verdict, Allow) or after > before


@given(before=cents, after=cents, equity=equities, side=sides)
def test_the_same_snapshot_gives_the_same_verdict(*, rule, sectors, before, after, equity, side):
    """
    RSK-46: a rule is pure, so that a journal re-evaluates identically.
    """
    frozen = snapshot(group(before, after), equity=equity)
    verdict = rule.check(draft(side), frozen)
    rule.headroom(draft(side), frozen)

    assert verdict == rule.check(draft(side), frozen)
    assert verdict == made(sectors).check(draft(side), frozen)


def test_the_rule_is_offered_under_its_name(sectors):
    """
    The hook offers a factory that makes the rule, with `SectorConcentrationConfig` as its settings.
    """
    offers = []
    hooks.ltm_register_risk_rules(lambda name, **offer: offers.append((name, offer)))
    [(name, offer)] = offers
    offered = offer["factory"](offer["config"](max_sector_fraction=0.4, sectors=sectors))

    assert NAME == name == offered.name
    assert isinstance(offered, GroupingRule)
    assert not isinstance(offered, EquityRule)


# --- Net ------------------------------------------------------------------------------------------


def netted(long, short, *, side, quantity="0", price="100", weight="1", gross="0"):
    """
    What the rule sees of a sector with these signed sides and a candidate of this quantity.
    """
    value = D(quantity) * D(price) * D(weight)
    long, short = D(long), D(short)
    found = GroupExposure(
        NAME,
        "tech",
        D(gross),
        D(gross) + value,
        D(weight),
        long,
        long + value if side is Side.BUY else long,
        short,
        short - value if side is Side.SELL else short,
    )
    return snapshot(found, price=price)


def net_rule(limit="0.4"):
    return SectorConcentration(
        SectorConcentrationConfig(max_sector_fraction=D(limit), sectors={"AAPL": "tech"}, net=True)
    )


@pytest.mark.parametrize(
    ("quantity", "expected"), [("599", Allow), ("600", Allow), ("601", Deny)], ids=["inside", "at", "beyond"]
)
def test_net_longs_and_shorts_of_a_sector_offset_each_other(quantity, expected):
    """
    RSK-21 net: 20,000 short and 40 % of 100,000 leave room for 60,000 to buy, though gross it is far above.
    """
    seen = netted("-20000", "-20000", side=Side.BUY, quantity=quantity, gross="90000")
    order = OrderDraft(symbol="AAPL", side=Side.BUY, quantity=D(quantity))

    assert isinstance(net_rule().check(order, seen), expected)


def test_net_an_order_that_only_takes_from_the_larger_side_passes():
    """
    RSK-14: over the limit already, a sell against the longs is allowed, a further buy is not.
    """
    for side, expected in ((Side.SELL, Allow), (Side.BUY, Deny)):
        seen = netted("50000", "50000", side=side, quantity="1")

        assert isinstance(
            net_rule().check(OrderDraft(symbol="AAPL", side=side, quantity=D(1)), seen), expected
        )


def test_net_the_denial_says_so():
    """
    RSK-13: the message names what was measured.
    """
    seen = netted("40000", "40000", side=Side.BUY, quantity="1")
    denial = net_rule().check(OrderDraft(symbol="AAPL", side=Side.BUY, quantity=D(1)), seen)

    assert "worst-case net exposure of tech, 40100, is above 40000" in denial.message


@given(
    long=st.integers(-90_000, 90_000),
    wider=st.integers(0, 50_000),
    side=st.sampled_from([Side.BUY, Side.SELL]),
    weight=st.sampled_from(["1", "0.5", "0.25"]),
)
def test_net_headroom_is_the_most_that_passes(long, wider, side, weight):
    """
    RSK-20: all of it passes, and a hundredth more does not.
    """
    order = OrderDraft(symbol="AAPL", side=side, quantity=D(1))
    judged = net_rule()
    short = long - wider
    room = judged.headroom(order, netted(long, short, side=side, weight=weight))

    assert isinstance(
        judged.check(order, netted(long, short, side=side, weight=weight, quantity=room)), Allow
    )
    assert isinstance(
        judged.check(order, netted(long, short, side=side, weight=weight, quantity=room + D("0.01"))), Deny
    )


def test_net_without_a_sector_there_is_no_room():
    """
    RSK-21: an unknown sector is no free sector.
    """
    order = OrderDraft(symbol="AAPL", side=Side.BUY, quantity=D(1))

    assert D(0) == net_rule().headroom(order, snapshot())
    assert D(0) == net_rule().headroom(order, snapshot(group("0", "0", rule="another")))
    assert net_rule().group_limit("tech").net


@pytest.mark.parametrize("tighter_first", [True, False])
def test_net_the_sector_with_the_least_room_decides(tighter_first):
    """
    RSK-21: an instrument of two sectors has the room of the fuller one, whichever is looked at first.
    """
    sides = ["10000", "30000"]
    groups = [
        GroupExposure(NAME, name, D(0), D(0), D("0.5"), D(side), D(side), D(0), D(0))
        for name, side in zip(("tech", "energy"), reversed(sides) if tighter_first else sides, strict=True)
    ]
    order = OrderDraft(symbol="AAPL", side=Side.BUY, quantity=D(1))

    assert D(200) == net_rule().headroom(order, snapshot(*groups))
