"""What is listed: linear perpetuals and spot pairs with their steps and limits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tests.venues.bybit.replies import Refusal, Row, limit_read, places, text

D = Decimal
_FIVE, _HUNDRED = D(5), D(100)
LAUNCH_MS = 1_585_526_400_000  # of all; there are no candles before


@dataclass(frozen=True)
class Instrument:
    """One symbol of one category."""

    category: str
    symbol: str
    base: str
    tick: Decimal
    step: Decimal
    least: Decimal
    most: Decimal
    most_market: Decimal
    quote: str = "USDT"
    status: str = "Trading"
    least_notional: Decimal = _FIVE
    most_leverage: Decimal = _HUNDRED
    number: int = 5

    @property
    def is_linear(self) -> bool:
        return self.category == "linear"

    @property
    def key(self) -> tuple[str, str]:
        return self.category, self.symbol

    def row(self) -> Row:
        """Return it as instruments-info lists it."""
        return _linear_row(self) if self.is_linear else _spot_row(self)


def _linear_row(listed: Instrument) -> Row:
    return {
        "symbol": listed.symbol,
        "symbolId": listed.number,
        "contractType": "LinearPerpetual",
        "status": listed.status,
        "baseCoin": listed.base,
        "quoteCoin": listed.quote,
        "settleCoin": listed.quote,
        "launchTime": str(LAUNCH_MS),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": "2",
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": places(listed.most_leverage, D("0.01")),
            "leverageStep": "0.01",
        },
        "priceFilter": {
            "minPrice": text(listed.tick),
            "maxPrice": "1999999.80",
            "tickSize": format(listed.tick, "f"),
        },
        "lotSizeFilter": {
            "maxOrderQty": places(listed.most, listed.step),
            "minOrderQty": text(listed.least),
            "qtyStep": text(listed.step),
            "postOnlyMaxOrderQty": places(listed.most, listed.step),
            "maxMktOrderQty": places(listed.most_market, listed.step),
            "minNotionalValue": text(listed.least_notional),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "both",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": listed.status == "PreLaunch",
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05"},
        "symbolType": "",
    }


def _spot_row(listed: Instrument) -> Row:
    return {
        "symbolId": listed.number,
        "symbol": listed.symbol,
        "baseCoin": listed.base,
        "quoteCoin": listed.quote,
        "innovation": "0",
        "status": listed.status,
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": text(listed.step),
            "quotePrecision": "0.0000001",
            "minOrderQty": text(listed.least),
            "maxOrderQty": text(listed.most),
            "minOrderAmt": text(listed.least_notional),
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": text(listed.most),
            "maxMarketOrderQty": text(listed.most_market),
            "postOnlyMaxLimitOrderSize": "60000",
        },
        "priceFilter": {"tickSize": text(listed.tick)},
        "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05"},
        "symbolType": "",
    }


LISTED = (
    Instrument("linear", "BTCUSDT", "BTC", D("0.10"), D("0.001"), D("0.001"), D(1190), D(500)),
    Instrument("linear", "ETHUSDT", "ETH", D("0.01"), D("0.01"), D("0.01"), D(7240), D(1500)),
    Instrument("linear", "SOLUSDT", "SOL", D("0.010"), D("0.1"), D("0.1"), D(79770), D(12000)),
    Instrument(
        *("linear", "BIOUSDT", "BIO", D("0.0001"), D(1), D(1), D(70000), D(14000)),
        status="PreLaunch",
        most_leverage=D(5),
    ),
    Instrument("spot", "BTCUSDT", "BTC", D("0.1"), D("0.000001"), D("0.000011"), D(83), D("41.5")),
    Instrument(
        "spot", "ETHUSDT", "ETH", D("0.01"), D("0.00001"), D("0.00038"), D(1229), D("614.5")
    ),
    Instrument("spot", "SOLUSDT", "SOL", D("0.01"), D("0.001"), D("0.01"), D(9000), D(4500)),
)


class Listing:
    """All instruments of a venue."""

    def __init__(self, *, fillers: int = 0) -> None:
        self._listed = {each.key: each for each in (*LISTED, *_fillers(fillers))}

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._listed.values())

    def get(self, category: str, symbol: str) -> Instrument:
        """Return an instrument.

        Raises:
            Refusal: There is none, or it does not trade.
        """
        found = self._listed.get((category, symbol))
        if found is None:
            spot = category == "spot"
            raise Refusal(170121 if spot else 10001, _UNKNOWN_SPOT if spot else _UNKNOWN_LINEAR)
        return found

    def rows(self, params: Mapping[str, str]) -> Row:
        """Return a page of a category, as instruments-info does."""
        category = params.get("category", "")
        if category not in ("linear", "spot", "inverse", "option"):
            raise Refusal(10001, "params error: Category Invalid")
        found = [each for each in self if each.category == category and _is_asked(each, params)]
        if category == "spot":
            return {"category": category, "list": [each.row() for each in found]}
        limit = limit_read(params, usual=500, most=1000)
        after = _after(params.get("cursor", ""), [each.symbol for each in found])
        cut = found[after : after + limit]
        more = after + limit < len(found)
        return {
            "category": category,
            "list": [each.row() for each in cut],
            "nextPageCursor": f"first%3D{cut[0].symbol}%26last%3D{cut[-1].symbol}" if more else "",
        }


_UNKNOWN_SPOT = "Invalid symbol."
_UNKNOWN_LINEAR = "params error: symbol invalid"


def _is_asked(listed: Instrument, params: Mapping[str, str]) -> bool:
    if symbol := params.get("symbol"):
        return listed.symbol == symbol
    if base := params.get("baseCoin"):
        return listed.base == base and listed.status == params.get("status", "Trading")
    return listed.status == params.get("status", "Trading")


def _after(cursor: str, symbols: list[str]) -> int:
    if not cursor:
        return 0
    last = cursor.rpartition("last=")[2]
    if last not in symbols:
        raise Refusal(10001, f"params error: cursor {cursor} invalid")
    return symbols.index(last) + 1


def _fillers(count: int) -> Iterator[Instrument]:
    for number in range(count):
        base = f"FILL{number:04d}"
        steps = (D("0.0001"), D(1), D(1), D(100000), D(50000))
        yield Instrument("linear", f"{base}USDT", base, *steps, number=1000 + number)
