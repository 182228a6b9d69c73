"""Units of values: the steps in which one is written, such as 1.5 ms, 320 MiB or 12 requests a second."""

from dataclasses import dataclass

_PLAIN = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


@dataclass(frozen=True)
class Unit:
    """(size, text) of each step, the largest first; what is smaller than the last one is written in it too."""

    steps: tuple[tuple[float, str], ...]

    def show(self, value: float | None, precision: int = 2) -> str:
        """A value for reading, in the largest step that fits; one below 1 with as many digits, but not only zeros."""
        if value is None:
            return "-"
        size, text = next((one for one in self.steps if abs(value) >= one[0]), self.steps[-1])
        shown = f"{value / size:,.{precision}f}"
        if 0 < abs(value / size) < 10**-precision:
            shown = f"{value / size:.{max(1, precision)}g}"
        return (shown.rstrip("0").rstrip(".") if "." in shown and "e" not in shown else shown) + text


PLAIN = Unit(_PLAIN)
SECONDS = Unit(((86400, " d"), (3600, " h"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns")))
