"""How many pages a batch takes: as many as it gets through in the target time."""

TARGET_SECONDS = 0.5  # long enough to be efficient, short enough that nobody waits behind it
TIMEOUT_SECONDS = 10  # a batch that takes longer is rolled back and tried again with half of its pages
SMOOTHING = 0.4  # weight of the last batch in the moving average
GROWTH = 1.5  # at most, from one batch to the next: one quick batch says little of the others
MOST_PAGES = 12_800  # 100 MB


class Pace:
    """Grows and shrinks with a moving average of the seconds that a page takes."""

    def __init__(self, pages: int) -> None:
        self.pages = max(1, min(pages, MOST_PAGES))
        self._per_page: float | None = None

    def took(self, pages: int, seconds: float, target: float = TARGET_SECONDS) -> None:
        """A batch of so many pages took so long; the next one should take `target` seconds."""
        now = seconds / pages
        self._per_page = now if self._per_page is None else (1 - SMOOTHING) * self._per_page + SMOOTHING * now
        wanted = target / self._per_page if self._per_page > 0 else MOST_PAGES
        self.pages = max(1, int(min(wanted, self.pages * GROWTH + 1, MOST_PAGES)))

    def halve(self) -> bool:
        """After a batch that timed out. Returns whether there was anything to halve."""
        if self.pages == 1:
            return False
        self.pages //= 2
        return True
