"""The settings of an infotext, asked for one by one; what nobody asked for is left to be reported."""

import re
from collections.abc import Mapping
from math import isfinite, isnan, nan

from graph.problem import Code, Problem
from graph.text import shown

DESCRIBING = frozenset(
    {"Model hash", "VAE hash", "Lora hashes", "TI hashes", "Hashes", "Version", "App", "Date", "Created Date", "User"}
    | {"Time taken", "Batch size", "Batch pos", "Civitai resources", "Civitai metadata", "Hires Module 1"}
)
"""Keys that say something about the picture and ask for nothing. Its seed is its own, whatever its place in a batch."""

_SIZE = re.compile(r"(\d{1,5}) ?[xX×] ?(\d{1,5})")
_WORDS = re.compile(r"([^:,]+):\s*([^,]*)")
_LARGEST = 16384


class Settings:
    """The settings of an infotext, and the problems found while using them. All problems are warnings."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {key.lower(): (key, value) for key, value in given.items()}
        self._used: set[str] = set()
        self.problems: list[Problem] = []

    @property
    def has_hires(self) -> bool:
        """Whether there was a second, larger pass."""
        return any(f"hires {key}" in self._given for key in ("upscale", "resize", "upscaler"))

    @property
    def noise_of_card(self) -> bool:
        """Whether noise was drawn as NVIDIA cards draw it: "GPU", which A1111 leaves out, being its default, or "NV".

        A text that says nothing at all of where it is from is reported, and taken for one of A1111.
        """
        source, version = self.text("RNG").upper(), self.text("Version").lower()
        if source in ("GPU", "NV"):
            return True
        if source or "comfy" in version:
            if source not in ("", "CPU"):
                self.report(f"The noise of the setting 'RNG' ({shown(self.text('RNG'))}) is not known here.", "")
            return False
        if not version:
            self.report(
                "The infotext does not say how its noise was drawn. The node 'noise' draws it as NVIDIA cards do.",
                "If the picture was made on another device, remove that node.",
            )
        return True

    def report(self, message: str, hint: str, code: Code = "changed_value") -> None:
        """Keep a problem."""
        self.problems.append(Problem(code=code, message=message, hint=hint, severity="warning"))

    def text(self, key: str) -> str:
        """A value, "" where there is none."""
        self._used.add(key.lower())
        return self._given.get(key.lower(), ("", ""))[1]

    def names(self, key: str) -> dict[str, str]:
        """A value that lists names and digests: "one: 1a2b, two: 3c4d"."""
        return {name.strip(): digest.strip() for name, digest in _WORDS.findall(self.text(key))}

    def number(self, key: str, default: float, lowest: float, highest: float) -> float:
        """A number, brought into its range; the default where there is none. What was amiss is reported once."""
        is_first = key.lower() not in self._used
        text = self.text(key)
        if not text:
            return default
        number = _number(text)
        fitting = default if isnan(number) else min(max(number, lowest), highest)
        if number != fitting and is_first:
            self.report(f"The setting '{key}' is {shown(text)}; {fitting:g} stands in its place.", "")
        return fitting

    def whole(self, key: str, default: int, lowest: int, highest: int) -> int:
        """A whole number, exactly; otherwise as `number`, without its fraction."""
        text = self._given.get(key.lower(), ("", ""))[1].strip()
        if re.fullmatch(r"-?[0-9]{1,20}", text) and lowest <= int(text) <= highest:
            self._used.add(key.lower())
            return int(text)
        return int(self.number(key, default, lowest, highest))

    def size(self, key: str, default: tuple[int, int]) -> tuple[int, int]:
        """Width and height, each at least 16; the default where there are none."""
        text = self.text(key)
        found = _SIZE.fullmatch(text.strip())
        if found is None:
            if text:
                self.report(f"The setting '{key}' is {shown(text)}; {default[0]}x{default[1]} stands in its place.", "")
            return default
        width, height = (min(max(int(side), 16), _LARGEST) for side in found.groups())
        return width, height

    def hires_size(self) -> tuple[tuple[int, int], str]:
        """How large the second pass is, in multiples of 8 as A1111 makes it, and how a new shape is reached."""
        width, height = self.size("Size", (512, 512))
        scale = self.number("Hires upscale", 2.0, 0.01, 64.0)
        found = _SIZE.fullmatch(self.text("Hires resize").strip())
        if found is None:
            return (_eighths(width * scale), _eighths(height * scale)), "disabled"
        wide, high = (int(side) for side in found.groups())
        if wide and high:
            return (_eighths(wide), _eighths(high)), "center"
        return (_eighths(wide or width * high / height), _eighths(high or height * wide / width)), "disabled"

    def report_the_rest(self) -> None:
        """A problem for every setting that nothing asked for, and for a picture that was made from another one."""
        if "denoising strength" in self._given and not self.has_hires:
            self._used.add("denoising strength")
            value = self._given["denoising strength"][1]
            message = (
                f"The picture was made from another one (Denoising strength {shown(value)}), which it does not carry."
            )
            self.report(message, "The workflow begins from noise alone. Put LoadImage and VAEEncode before it.")
        for key, (name, value) in self._given.items():
            if key not in self._used and name not in DESCRIBING:
                message = f"The setting '{name}' ({shown(value)}) has no counterpart; it is not in the workflow."
                self.report(message, "", "unmapped_values")


def _number(text: str) -> float:
    """A finite number, or NaN."""
    try:
        number = float(text)
    except ValueError:
        return nan
    return number if isfinite(number) else nan


def _eighths(length: float) -> int:
    return min(max(int(length) // 8 * 8, 16), _LARGEST)
