"""What is said of a database that is given and can't be used."""

import pytest

from crm.embedded import EmbeddedError
from crm.embedded.given import check_databases
from crm.embedded.servers import free_port


@pytest.mark.parametrize("name", ["DATABASE_URL", "MIGRATION_DATABASE_URL"])
def test_a_server_that_does_not_answer_is_named_without_its_password(name: str) -> None:
    port = free_port()
    with pytest.raises(EmbeddedError, match=f"^{name} can't be used: .*port {port}.*refused$") as caught:
        check_databases({name: f"postgresql://club:very-secret@127.0.0.1:{port}/club"})
    assert "very-secret" not in str(caught.value)


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(EmbeddedError, match="^DATABASE_URL is no address such as postgresql://") as caught:
        check_databases({"DATABASE_URL": "very-secret@host"})
    assert "very-secret" not in str(caught.value)


def test_nothing_is_asked_of_what_is_not_given() -> None:
    check_databases({"DATABASE_URL": "", "REDIS_URL": "redis://127.0.0.1:1"})
