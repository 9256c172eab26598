"""Many clients in a process of their own, so that they take no time from the process that measures."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

NUMBER = b"NUMBER"  # in a request: four digits, other ones each time


@contextmanager
def load(port: int, request: bytes, clients: int) -> Iterator[None]:
    """So many clients repeat the request during the block, each as soon as it is answered."""
    command = [sys.executable, "-m", __name__, str(port), str(clients)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(request)
        process.stdin.close()
        assert process.stdout.readline() == b"begun\n"
        try:
            yield
        finally:
            process.kill()


async def client(port: int, request: bytes, first: int, every: int) -> None:
    number = first
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.replace(NUMBER, b"%04d" % (number % 10_000)))
        await reader.read()
        writer.close()
        if number == first == 0:
            print("begun", flush=True)
        number += every


async def main(port: int, clients: int) -> None:
    request = sys.stdin.buffer.read()
    await asyncio.gather(*(client(port, request, one, clients) for one in range(clients)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
