"""The description of the API is complete, without a warning, and true."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from apps.accounts.models import TradingAccount
from tests.api.resources import AUDIT, LISTS, PREFIX, Resource, path_of, results
from tradingsite.api import ROUTES

EXTERNAL = re.compile(r"""(?:src|href|url)=["'](?:https?:)?//""")


@pytest.fixture(scope="module")
def schema() -> Any:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    return generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


def test_it_is_made_and_validated_without_a_warning(tmp_path: Path) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema"))

    assert (tmp_path / "schema").read_text().startswith("openapi: 3")


def test_every_resource_is_described(schema: Any) -> None:
    described = {path.split("/")[3] for path in schema["paths"]}

    assert described == {"webhooks", *(route.prefix for route in ROUTES)}


COMMANDS = {
    "orders/",
    "orders/{id}/amend/",
    "orders/{id}/cancel/",
    "order-groups/{id}/cancel/",
}
FROM_OUTSIDE = {"signals/", "webhooks/{public_id}/"}
READ_PROBLEMS = {"400", "401", "403", "406", "429", "500"}
COMMAND_PROBLEMS = {*READ_PROBLEMS, "409", "413", "415", "422"}


def operations(schema: Any, method: str) -> dict[str, Any]:
    return {
        path.removeprefix(f"{PREFIX}/"): each[method]
        for path, each in schema["paths"].items()
        if method in each
    }


def test_commands_are_the_only_operations_that_write(schema: Any) -> None:
    methods = {method for each in schema["paths"].values() for method in each}

    assert methods == {"get", "post"}
    assert set(operations(schema, "post")) == COMMANDS | FROM_OUTSIDE


@pytest.mark.parametrize(
    ("method", "problems"), [("get", READ_PROBLEMS), ("post", COMMAND_PROBLEMS)]
)
def test_every_operation_names_its_problems(schema: Any, method: str, problems: set[str]) -> None:
    for path, operation in operations(schema, method).items():
        answers = operation["responses"]
        assert problems <= set(answers), path
        assert ("404" in answers) == ("{" in path), path
        for status in (status for status in answers if not status.startswith("2")):
            assert list(answers[status]["content"]) == ["application/problem+json"], path


def test_every_command_needs_a_key(schema: Any) -> None:
    posts = operations(schema, "post")
    for path in COMMANDS:
        operation = posts[path]
        [key] = [each for each in operation["parameters"] if each["in"] == "header"]
        assert (key["name"], key["required"]) == ("Idempotency-Key", True), path


@pytest.mark.parametrize("resource", [*LISTS, AUDIT], ids=path_of)
def test_rows_have_the_members_that_are_described(
    auditor: Client, account: TradingAccount, schema: Any, resource: Resource
) -> None:
    row = resource.make(account)
    components = schema["components"]["schemas"]

    def described(path: str) -> Any:
        answer = schema["paths"][path]["get"]["responses"]["200"]["content"]
        return components[answer["application/json"]["schema"]["$ref"].rpartition("/")[2]]

    page = described(f"{PREFIX}/{resource.path}/")["properties"]["results"]["items"]["$ref"]
    of_list = components[page.rpartition("/")[2]]["properties"]
    assert set(results(auditor, resource.list_url)[0]) == set(of_list)
    if resource.key:
        name = {"pk": "id"}.get(resource.key, resource.key)
        of_one = described(f"{PREFIX}/{resource.path}/{{{name}}}/")["properties"]
        assert set(auditor.get(resource.detail_url(row)).json()) == set(of_one)


def test_parameters_are_those_that_lists_read(schema: Any) -> None:
    for route in ROUTES:
        described = schema["paths"][f"{PREFIX}/{route.prefix}/"]["get"].get("parameters", [])
        viewset = route.viewset(action="list")
        assert {each["name"] for each in described} == viewset.parameter_names(), route


@pytest.mark.django_db
def test_the_interactive_page_needs_nothing_from_elsewhere_and_no_inline_script(
    client: Client,
) -> None:
    response = client.get(f"{PREFIX}/docs/")
    html = response.content.decode()

    assert response.status_code == 200
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert EXTERNAL.search(html) is None


@pytest.mark.django_db
def test_the_schema_is_served(client: Client) -> None:
    response = client.get(f"{PREFIX}/schema/")

    assert response.status_code == 200
    assert response["Content-Type"].startswith("application/vnd.oai.openapi")


def test_the_root_lists_every_resource(trader: Client) -> None:
    assert set(trader.get(f"{PREFIX}/").json()) == {route.prefix for route in ROUTES}
