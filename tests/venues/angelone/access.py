"""Who asks: log-in, log-out and refresh, and the check of every other request's headers."""

from collections.abc import Mapping

from tests.venues.angelone.orders_api import Work
from tests.venues.angelone.replies import Refusal, Row
from tests.venues.angelone.sessions import TokenBad, TokenExpired, Use, login_check
from tests.venues.angelone.venue import Venue

Headers = Mapping[str, str]


class Access:
    """Sessions as REST sees them."""

    def __init__(self, venue: Venue, work: Work) -> None:
        self._venue, self._work = venue, work

    def login(self, headers: Headers, asked: Row) -> Row:
        self.key_check(headers)
        login_check(asked, settings=self._venue.settings, at=self._venue.now())
        return {**self._work.do("login"), "state": str(asked.get("state") or "")}

    def refresh(self, headers: Headers, asked: Row) -> Row:
        """Exchange a refresh token; the access token may be worn out, and must be there."""
        self.key_check(headers)
        if not headers.get("Authorization", "").startswith("Bearer "):
            raise Refusal("AG8003")
        try:
            self._read(str(asked.get("refreshToken") or ""), Use.REFRESH)
        except TokenBad:
            raise Refusal("AB8050") from None
        except TokenExpired:
            raise Refusal("AB8051") from None
        tokens: Row = self._work.do("login")
        return tokens

    def logout(self, headers: Headers, asked: Row) -> str:
        claims = self.check(headers)
        if asked.get("clientcode") != claims["username"]:
            raise Refusal("AB1011", "Client not login")
        self._work.do("logout", session=claims["sid"])
        return ""

    def check(self, headers: Headers) -> Row:
        """Return the claims of who asks.

        Raises:
            Refusal: The key or the token are not good.
        """
        self.key_check(headers)
        authorization = headers.get("Authorization", "")
        if not authorization:
            raise Refusal("AG8003")
        if not authorization.startswith("Bearer "):
            raise Refusal("AG8001")
        try:
            return self._read(authorization.removeprefix("Bearer "), Use.ACCESS)
        except TokenBad:
            raise Refusal("AG8001") from None
        except TokenExpired:
            raise Refusal("AG8002") from None

    def key_check(self, headers: Headers) -> None:
        """Check the key alone.

        Raises:
            Refusal: It is another.
        """
        if headers.get("X-PrivateKey") != self._venue.settings.api_key:
            raise Refusal("AG8004")

    def _read(self, token: str, use: Use) -> Row:
        return self._venue.sessions.read(token, use=use, at=self._venue.now())
