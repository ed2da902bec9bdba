"""Sets a strategy to trade on an account, from a terminal or a script."""

import json
from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from apps.accounts.models import TradingAccount, TradingMode, User
from apps.core.commands import JsonCommand
from apps.core.database import DatabaseUnprepared, database_prepare
from apps.marketdata.domain.errors import MarketDataRefused
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.services import instrument_ensure
from apps.strategies.loading import ParametersRefused, StrategyUnloadable, strategy_load
from apps.strategies.management.wording import (
    account_named,
    deployment_as_json,
    deployment_text,
    person_named,
)
from apps.strategies.models import Deployment, DeploymentState, PositionPolicy, SizingMethod
from apps.strategies.services import (
    DeploymentRefused,
    deployment_ensure,
    deployment_start,
    strategy_version_record,
)

_REFUSALS = (
    DatabaseUnprepared,
    DeploymentRefused,
    MarketDataRefused,
    ParametersRefused,
    StrategyUnloadable,
)
_POLICIES = {
    "on_pause": "when it is paused",
    "on_stop": "when it is stopped or fails",
    "on_halt": "when a kill switch or a trading state halts it",
    "on_delisting": "when the instrument can be traded no more",
}


class Command(JsonCommand):
    """``manage.py deploy``."""

    help = (
        "Deploys a strategy: a draft, or with --start one that trades paper or test money at once. "
        "Live money needs a second person: leave --start out and `manage.py deployment submit`. "
        "Asked for twice in the same terms, it is created once and the second time says so; in "
        "other terms under the same name it is refused. A refusal writes nothing. "
        "Exit status: 0 it is there as asked for, 1 refused, 2 wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("name", help="Letters, digits, hyphens and underscores; unique")
        add("--strategy", required=True, help="Library name, or path/to/file.py:Class")
        add("--account", required=True, help="Name of the trading account; its mode is kept")
        add(
            "--instrument",
            required=True,
            action="append",
            metavar="SYMBOL",
            help="Such as BYBIT:BTCUSDT.P; repeat it for several",
        )
        add("--timeframe", required=True, choices=[item.value for item in Timeframe])
        add("--params", type=_json_object, default={}, help="Parameters as JSON; none: defaults")
        add(
            "--sizing",
            required=True,
            type=_sizing,
            metavar="METHOD:VALUE",
            help=f"Such as FRACTION_OF_EQUITY:0.1; methods: {', '.join(SizingMethod.values)}",
        )
        add("--cap", type=_decimal, help="Most of the equity one entry may stake; 0.2 is a fifth")
        add("--max-slippage-bps", type=_decimal, help="Most an entry at market may pay over close")
        add(
            "--turn-market-into-limit",
            action="store_true",
            help="Where programs may send no market order: enter by a limit inside the collar",
        )
        add("--collar-bps", type=_decimal, default=Decimal(50), help="The collar; 50 by default")
        for policy, when in _POLICIES.items():
            add(
                f"--{policy.replace('_', '-')}",
                type=str.lower,
                choices=[each.value.lower() for each in PositionPolicy],
                default=PositionPolicy.KEEP.value.lower(),
                help=f"What becomes of an open position {when}; keep by default",
            )
        add("--start", action="store_true", help="Start it, if it is a draft")
        add("--by", metavar="EMAIL", help="Who deploys; nobody: the desk itself")
        add("--json", action="store_true", help="One JSON document on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Deploy, and say what there is now."""
        try:
            database_prepare()
            deployment, is_new, is_started = _deploy(options)
        except _REFUSALS as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            document = {
                "result": "created" if is_new else "unchanged",
                "started": is_started,
                "deployment": deployment_as_json(deployment),
            }
            self.json_print(document)
            return
        what = "created" if is_new else "was there already, as asked for"
        then = ", started now" if is_started else ""
        self.stdout.write(f"{what}{then}: {deployment_text(deployment)}")


@transaction.atomic
def _deploy(options: dict[str, Any]) -> tuple[Deployment, bool, bool]:
    """Return the deployment, whether it is new, and whether it was started now."""
    actor = person_named(options["by"], permission="strategies.add_deployment")
    account = account_named(options["account"], actor)
    if options["start"]:
        _startable_require(account)
    deployment, is_new = deployment_ensure(**_terms(options, account, actor), actor=actor)
    if not options["start"] or deployment.state == DeploymentState.RUNNING:
        return deployment, is_new, False
    if deployment.state != DeploymentState.DRAFT:
        raise DeploymentRefused(
            f"{deployment} is {deployment.state.replace('_', ' ').lower()}, and --start starts "
            f"drafts alone; see `manage.py deployment show {deployment}`"
        )
    deployment_start(deployment=deployment, actor=actor, reason="deployed by command")
    return deployment, is_new, True


def _startable_require(account: TradingAccount) -> None:
    if account.mode == TradingMode.LIVE:
        raise DeploymentRefused(
            f"account {account} trades live money, which needs an approval by a second person; "
            "leave --start out, then `manage.py deployment submit NAME --by EMAIL`"
        )


def _terms(options: dict[str, Any], account: TradingAccount, actor: User | None) -> dict[str, Any]:
    sizing_method, sizing_value = options["sizing"]
    symbols = dict.fromkeys(options["instrument"])  # named twice is meant once
    return {
        "name": options["name"],
        "version": strategy_version_record(loaded=strategy_load(options["strategy"]), actor=actor),
        "account": account,
        "instruments": [instrument_ensure(symbol=symbol) for symbol in symbols],
        "timeframe": options["timeframe"],
        "parameters": options["params"],
        "sizing_method": sizing_method,
        "sizing_value": sizing_value,
        "sizing_cap_ratio": options["cap"],
        "maximum_slippage_bps": options["max_slippage_bps"],
        "turns_market_into_limit": options["turn_market_into_limit"],
        "collar_bps": options["collar_bps"],
        **{policy: options[policy].upper() for policy in _POLICIES},
        "mode": account.mode,
    }


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ArgumentTypeError(f"no JSON: {error}") from None
    if not isinstance(value, dict):
        raise ArgumentTypeError('must be a JSON object such as {"fast": 10}')
    return value


def _sizing(text: str) -> tuple[str, Decimal]:
    method, colon, value = text.partition(":")
    if not colon:
        raise ArgumentTypeError(f"{text!r} is not METHOD:VALUE, such as FRACTION_OF_EQUITY:0.1")
    name = method.strip().upper().replace("-", "_")
    if name not in SizingMethod.values:
        known = ", ".join(SizingMethod.values)
        raise ArgumentTypeError(f"sizing {method!r} is unknown; known are {known}")
    return name, _decimal(value)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is no decimal number such as 0.1") from None
    if not number.is_finite():
        raise ArgumentTypeError(f"must be a finite number, was {text}")
    return number
