import os
import socket

from dev.soak.sockets import open_sockets


def test_a_socket_is_counted_by_its_state_and_by_whom_it_leads_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        names = {server.getsockname()[1]: "sandbox"}
        before = open_sockets(os.getpid(), names)
        assert before["listening, at the sandbox"] == 1
        with socket.create_connection(server.getsockname()):
            assert (open_sockets(os.getpid(), names) - before) == {"established, to the sandbox": 1}
        assert open_sockets(os.getpid(), names) == before
