"""Pools of connections: what a forked process finds in one."""

import os
import socket

from nvm_chain.chain.transport.pool import Pool


def test_take__in_a_process_that_was_forked__opens_a_connection_of_its_own() -> None:
    opened: list[socket.socket] = []

    def open_one() -> socket.socket:
        opened.append(socket.socket())
        return opened[-1]

    pool = Pool(open_one)
    with pool.take() as first:
        pass
    child = os.fork()
    if not child:
        with pool.take() as own:
            os._exit(0 if own is not first and len(opened) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with pool.take() as again:
        assert again is first
    first.close()
