"""Every refusal is a problem document that says what was wrong and changes nothing."""

from typing import Any

import pytest
from django.test import Client
from rest_framework import exceptions
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from apps.accounts.models import TradingAccount
from apps.accounts.roles import Role
from apps.core.api.problems import field_errors, problem_document
from apps.core.api.throttles import AnonymousThrottle, UserThrottle
from apps.orders.api.views import OrderViewSet
from apps.orders.models import Order
from tests.api.resources import LISTS, PREFIX, Resource, path_of
from tests.factories.orders import OrderFactory
from tests.sessions import person, signed_in

CONTENT_TYPE = "application/problem+json"


def problem_of(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == CONTENT_TYPE
    assert "no-store" in response["Cache-Control"]
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:tradingsite:problem:")
    assert document["title"]
    return document


def test_400_names_the_field_and_what_was_expected(trader: Client) -> None:
    problem = problem_of(trader.get(f"{PREFIX}/orders/?side=LONG&stauts=NEW"), 400)

    assert problem["errors"] == [
        {
            "field": "stauts",
            "detail": "There is no parameter 'stauts'; did you mean status?",
        }
    ]
    assert problem["detail"] == problem["errors"][0]["detail"]


def test_401_carries_a_challenge(client: Client) -> None:
    response = client.get(f"{PREFIX}/orders/")
    problem_of(response, 401)

    assert response["WWW-Authenticate"] == 'Session realm="desk"'


def test_403_for_a_command_of_another_site(account: TradingAccount) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in(person(Role.TRADER, member_of=(account,))).cookies
    problem = problem_of(strict.post(f"{PREFIX}/orders/", {}, "application/json"), 403)

    assert "CSRF" in problem["detail"]
    assert problem["title"] == "This is not allowed"  # which is not for the role to say


@pytest.mark.parametrize(
    "path",
    [
        *("orders/0/", "orders/999999/", "orders/-1/", "orders/9223372036854775808/"),
        *("orders/x/", "deployments/nothing/", "accounts/%00/", "nowhere/", "orders"),
    ],
)
def test_404_reads_the_same_for_whatever_is_not_there(trader: Client, path: str) -> None:
    assert (
        problem_of(trader.get(f"{PREFIX}/{path}"), 404)["title"] == "There is nothing here for you"
    )


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("resource", LISTS, ids=path_of)
def test_405_for_every_write_that_is_no_command_and_nothing_is_written(
    trader: Client, account: TradingAccount, resource: Resource, method: str
) -> None:
    row = resource.make(account)
    before = list(type(row)._default_manager.order_by("pk").values())
    urls = [resource.detail_url(row)] if resource.key else []
    if method != "post" or not resource.takes_posts:
        urls.append(resource.list_url)

    for url in urls:
        response = getattr(trader, method)(url, "{}", "application/json")
        problem_of(response, 405)
        assert "GET" in response["Allow"]
    assert list(type(row)._default_manager.order_by("pk").values()) == before


def test_406_is_readable_though_the_caller_asked_for_something_else(trader: Client) -> None:
    response = trader.get(f"{PREFIX}/orders/", headers={"accept": "text/csv"})

    assert problem_of(response, 406)["title"] == "The API answers in JSON only"


class _Reads(APIView):
    """Stands for a command, of which the API has none yet."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle_classes = ()
    parser_classes = (JSONParser,)

    def post(self, request: Request) -> Response:
        return Response(request.data)


def test_415_says_that_the_api_reads_json() -> None:
    request = APIRequestFactory().post("/", "a=1", content_type="text/plain")
    response = _Reads.as_view()(request)

    assert response.status_code == 415
    assert b"The API reads JSON only" in response.content


def test_400_for_a_body_that_is_no_json() -> None:
    request = APIRequestFactory().post("/", "{", content_type="application/json")

    assert _Reads.as_view()(request).status_code == 400


def test_429_says_when_to_try_again(trader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UserThrottle, "rate", "2/min")
    for _ in range(2):
        assert trader.get(f"{PREFIX}/me/").status_code == 200
    response = trader.get(f"{PREFIX}/me/")

    problem_of(response, 429)
    assert 1 <= int(response["Retry-After"]) <= 61


def test_429_counts_callers_apart(
    trader: Client, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UserThrottle, "rate", "1/min")
    trader.get(f"{PREFIX}/me/")

    assert trader.get(f"{PREFIX}/me/").status_code == 429
    assert stranger.get(f"{PREFIX}/me/").status_code == 200


@pytest.mark.django_db
def test_429_counts_who_has_not_signed_in_by_address(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AnonymousThrottle, "rate", "1/min")
    client.get(f"{PREFIX}/schema/")

    assert client.get(f"{PREFIX}/schema/").status_code == 429


def test_a_cache_out_of_reach_lets_reads_through(
    trader: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    }

    assert trader.get(f"{PREFIX}/me/").status_code == 200
    assert "API requests are not being counted" in caplog.text


def test_500_says_nothing_of_the_cause_and_is_logged(
    trader: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: OrderViewSet) -> Any:
        raise RuntimeError("password of the database is swordfish")

    monkeypatch.setattr(OrderViewSet, "get_queryset", fail)
    trader.raise_request_exception = False
    response = trader.get(f"{PREFIX}/orders/")

    problem = problem_of(response, 500)
    assert "swordfish" not in response.content.decode()
    assert problem["title"] == "The desk failed to answer"
    assert "swordfish" in caplog.text


def test_a_hidden_row_is_not_named_by_djangos_own_message(
    stranger: Client, account: TradingAccount
) -> None:
    order = OrderFactory(account=account)
    problem = problem_of(stranger.get(f"{PREFIX}/orders/{order.pk}/"), 404)

    assert problem["detail"] == "It does not exist, or it is not yours to see."
    assert Order.objects.count() == 1


def test_nested_errors_are_flattened_to_dotted_names() -> None:
    detail = {"legs": {"0": {"price": ["too low"]}}, "non_field_errors": ["cannot be"]}

    assert list(field_errors(detail)) == [("legs.0.price", "too low"), ("", "cannot be")]


def test_an_unknown_status_reads_as_a_failure_of_the_desk() -> None:
    class Teapot(exceptions.APIException):
        status_code = 418

    assert problem_document(Teapot())["type"].endswith("internal-error")
