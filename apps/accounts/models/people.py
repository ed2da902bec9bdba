"""Users, who sign in by e-mail, and the trading accounts that they may work with."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from apps.core.clock import now
from apps.core.fields import CurrencyField


class UserManager(BaseUserManager["User"]):
    """Creates users under one spelling of their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a user.

        Raises:
            ValueError: The address is empty.
        """
        if not email.strip():
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a user who may do everything; for the first sign-in of an installation."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user whatever the case of the letters typed."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may do follows from their roles (groups) and account memberships."""

    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May open the admin")
    date_joined = models.DateTimeField(default=now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        ordering = ("email",)
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        """Return the e-mail address."""
        return self.email


class Broker(models.TextChoices):
    """Where an account is held."""

    PAPER = "PAPER", "Paper"
    BYBIT = "BYBIT", "Bybit"
    ANGELONE = "ANGELONE", "Angel One"


class TradingMode(models.TextChoices):
    """How real an account's money is."""

    PAPER = "PAPER", "Paper"
    TEST = "TEST", "Broker's test network"
    LIVE = "LIVE", "Live"


class TradingAccount(models.Model):
    """One account at one broker, in one base currency."""

    name = models.SlugField(max_length=60, unique=True)
    broker = models.CharField(max_length=12, choices=Broker.choices)
    mode = models.CharField(max_length=8, choices=TradingMode.choices, default=TradingMode.PAPER)
    base_currency = CurrencyField()
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)
    members = models.ManyToManyField(
        User, through="AccountMembership", related_name="trading_accounts"
    )

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(broker=Broker.PAPER) | models.Q(mode=TradingMode.PAPER),
                name="paper_broker_is_paper_mode",
            )
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class AccountMembership(models.Model):
    """A user's access to a trading account; without one, the account does not exist for them."""

    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ("account__name", "user__email")
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="membership_once_per_user")
        ]

    def __str__(self) -> str:
        """Name both sides."""
        return f"{self.user} on {self.account}"
