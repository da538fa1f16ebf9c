"""Which encoder a training uses: the one that the settings name, or its fine-tuned successor."""

from pathlib import Path

from core.registry.packages import CorruptPackage, MissingPackage, Package, claim, open_package


def encoder_for(named: Package, champion: str | None, packages_root: Path) -> Package:
    """Return the champion's encoder if it was fine-tuned from ``named``, else ``named``.

    So whoever names other weights in the settings gets them, and a promoted fine-tuning stays otherwise.

    Args:
        named: package of what the settings name.
        champion: sha of the encoder that the champion uses for the same feature; None when it uses none.
        packages_root: where packages lie.
    """
    if champion is None or champion == named.sha:
        return named
    try:
        served = open_package(packages_root, claim(packages_root, champion).sha)
    except (MissingPackage, CorruptPackage):
        return named
    return served if served.spec.get("source", {}).get("finetuned_from") == named.sha else named
