"""What SDXL is told of sizes, as facts in a pack's conditioning, and back."""

from typing import Any

from diffusion.values import SizeConditioning


def size_facts(size: SizeConditioning) -> dict[str, Any]:
    """The facts that a pack's conditioning has of them."""
    sides = {("height", "width"): size.original, ("crop_h", "crop_w"): size.crop}
    sides[("target_height", "target_width")] = size.target
    facts = {name: side for names, pair in sides.items() if pair for name, side in zip(names, pair, strict=True)}
    return facts if size.aesthetic is None else {**facts, "aesthetic_score": size.aesthetic}


def size_of(facts: dict[str, Any]) -> SizeConditioning | None:
    """What the facts say of sizes, which are taken out of them; None where they say nothing."""

    def taken(*names: str) -> tuple[int, int] | None:
        first, second = (facts.pop(name, None) for name in names)
        return None if first is None or second is None else (int(first), int(second))

    original, crop = taken("height", "width"), taken("crop_h", "crop_w")
    target, score = taken("target_height", "target_width"), facts.pop("aesthetic_score", None)
    if not any((original, crop, target)) and score is None:
        return None
    return SizeConditioning(original, crop or (0, 0), target, None if score is None else float(score))
