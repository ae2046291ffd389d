"""The embedded Valkey: durable where asked, never evicting, known from others."""

from pathlib import Path

import redis

from crm.embedded.processes import Processes
from crm.embedded.servers import start
from crm.embedded.valkey import Valkey


def test_keys_survive_a_restart_on_the_same_port(tmp_path: Path, processes: Processes) -> None:
    valkey = Valkey(tmp_path / "a folder")
    process = start(valkey, processes)
    with redis.Redis.from_url(valkey.url) as client:
        client.set("hole", 19)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    processes.stop(process)
    again = Valkey(tmp_path / "a folder")
    start(again, processes)
    assert again.url == valkey.url
    with redis.Redis.from_url(again.url) as client:
        assert client.get("hole") == b"19"


def test_another_server_on_the_port_is_not_taken_for_ours(tmp_path: Path, processes: Processes) -> None:
    theirs, ours = Valkey(tmp_path / "theirs"), Valkey(tmp_path / "ours")
    start(theirs, processes)
    ours.port = theirs.port
    start(ours, processes)
    assert ours.port != theirs.port
