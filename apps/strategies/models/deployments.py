"""Strategy versions at work on accounts, and the positions that they must still close."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from apps.accounts.models import TradingAccount, TradingMode, User
from apps.core.clock import now
from apps.core.fields import AmountField
from apps.marketdata.models import TIMEFRAMES, Instrument
from apps.strategies.domain.deployments import (
    DeploymentState,
    DeploymentStep,
    PositionPolicy,
    steps_open,
)
from apps.strategies.models.versions import StrategyVersion

DEPLOYMENT_STATES = [
    (state.value, state.value.replace("_", " ").capitalize()) for state in DeploymentState
]
POSITION_POLICIES = [
    (PositionPolicy.KEEP.value, "Keep it; its exits go on working"),
    (PositionPolicy.CLOSE.value, "Close it"),
]


class SizingMethod(models.TextChoices):
    """How a signal becomes a quantity."""

    FIXED_QUANTITY = "FIXED_QUANTITY", "Fixed quantity (units)"
    FIXED_NOTIONAL = "FIXED_NOTIONAL", "Fixed notional (quote currency)"
    FRACTION_OF_EQUITY = "FRACTION_OF_EQUITY", "Fraction of equity (0 to 1)"
    VOLATILITY_TARGET = "VOLATILITY_TARGET", "Part of the equity that one true range may move"
    FRACTIONAL_KELLY = "FRACTIONAL_KELLY", "Part of the full Kelly stake (0 to 1)"


class Deployment(models.Model):
    """A strategy version set to trade instruments on an account with given parameters."""

    name = models.SlugField(max_length=80, unique=True)
    version = models.ForeignKey(
        StrategyVersion, on_delete=models.PROTECT, related_name="deployments"
    )
    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="deployments"
    )
    instruments = models.ManyToManyField(Instrument, related_name="deployments")
    timeframe = models.CharField(max_length=4, choices=TIMEFRAMES)
    parameters = models.JSONField(default=dict, blank=True)
    sizing_method = models.CharField(max_length=20, choices=SizingMethod.choices)
    sizing_value = AmountField(help_text="Units, quote currency or a fraction, by method")
    sizing_cap_ratio = AmountField(
        null=True, blank=True, help_text="Most of the equity that one entry may stake"
    )
    maximum_slippage_bps = AmountField(
        null=True, blank=True, help_text="Most that an entry at market may pay over the close"
    )
    turns_market_into_limit = models.BooleanField(
        default=False,
        help_text="Where programs may send no market order: enter by a limit inside the collar",
    )
    collar_bps = AmountField(
        default=Decimal(50), help_text="How far such a limit may lie beyond the market"
    )
    on_pause = models.CharField(
        max_length=8, choices=POSITION_POLICIES, default=PositionPolicy.KEEP.value
    )
    on_stop = models.CharField(
        max_length=8,
        choices=POSITION_POLICIES,
        default=PositionPolicy.KEEP.value,
        help_text="Also when it fails",
    )
    on_halt = models.CharField(
        max_length=8,
        choices=POSITION_POLICIES,
        default=PositionPolicy.KEEP.value,
        help_text="Once orders may be sent again",
    )
    on_delisting = models.CharField(
        max_length=8, choices=POSITION_POLICIES, default=PositionPolicy.KEEP.value
    )
    mode = models.CharField(max_length=8, choices=TradingMode.choices, default=TradingMode.PAPER)
    state = models.CharField(
        max_length=20, choices=DEPLOYMENT_STATES, default=DeploymentState.DRAFT.value
    )
    state_reason = models.CharField(max_length=400, blank=True)
    submitted_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ("name",)
        permissions = [("approve_deployment", "Can approve deployments to trade live money")]
        constraints = [
            models.CheckConstraint(
                condition=Q(sizing_value__gt=0), name="deployment_sizing_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(sizing_cap_ratio=None) | Q(sizing_cap_ratio__gt=0),
                name="deployment_sizing_cap_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(maximum_slippage_bps=None) | Q(maximum_slippage_bps__gte=0),
                name="deployment_slippage_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(collar_bps__gte=0), name="deployment_collar_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("submitted_by")),
                name="deployment_approved_by_another_person",
            ),
            models.CheckConstraint(
                condition=~Q(mode="LIVE", state__in=["RUNNING", "PAUSED"])
                | Q(approved_by__isnull=False, submitted_by__isnull=False),
                name="deployment_live_only_with_approval",
            ),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def is_live(self) -> bool:
        """Whether it trades live money."""
        return self.mode == TradingMode.LIVE

    @property
    def state_shown(self) -> str:
        """The state as people are shown it: what runs is called by its mode."""
        return self.mode if self.state == DeploymentState.RUNNING else self.state

    @property
    def steps(self) -> tuple[DeploymentStep, ...]:
        """What a person may do to it now."""
        return steps_open(DeploymentState(self.state), is_live=self.is_live)


class DeploymentClosing(models.Model):
    """A position that a deployment must close before it does anything else with the instrument."""

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="closings")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=400)
    waits_for = models.CharField(
        max_length=60, blank=True, help_text="The check that holds it up at present"
    )
    requested_at = models.DateTimeField(default=now)
    done_at = models.DateTimeField(null=True, blank=True, help_text="Flat since")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["deployment", "instrument"],
                condition=Q(done_at=None),
                name="deployment_one_open_closing_per_instrument",
            )
        ]

    def __str__(self) -> str:
        """Name the instrument and the reason."""
        return f"{self.instrument_id}: {self.reason}"
