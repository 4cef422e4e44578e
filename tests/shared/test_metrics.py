from shared.metrics import new_registry, response
from tests.shared.prometheus import samples


async def test_every_registry_knows_the_process_and_none_is_in_the_others_way() -> None:
    for registry in (new_registry(), new_registry()):
        body = response(registry).body
        assert isinstance(body, bytes)
        told = samples(body.decode())
        assert told["asyncio_tasks"] >= 1
        assert told["process_open_fds"] > 0
