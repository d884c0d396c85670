"""Qualify the installation: versions, files against the wheel's record, BLAS, processor, arithmetic of doubles."""

from __future__ import annotations

import platform
import sys
from base64 import urlsafe_b64encode
from hashlib import new as new_hash
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs

from evisynth.documents import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "attrs",
    "cattrs",
    "pluggy",
    "narwhals",
    "click",
    "rich",
    "matplotlib",
    "jinja2",
    "formulaic",
    "openpyxl",
    "python-calamine",
    "xlrd",
    "python-docx",
    "mpmath",
)


ABSENT = "not installed: what needs it was not tried"


@attrs.frozen
class FilesChecked:
    """Say whether the files of a distribution are those that its wheel's record lists."""

    distribution: str
    version: str
    checked: int = 0
    altered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()
    """Modules beside the recorded ones that the wheel did not bring."""
    reason: str | None = None
    """Why the files could not be checked: an editable installation has no record of them."""

    @property
    def passed(self) -> bool:
        """Whether no file is altered, missing or added."""
        return not (self.altered or self.missing or self.unrecorded)


@attrs.frozen
class MachineCheck:
    """Hold one property of arithmetic on this machine."""

    name: str
    expected: str
    found: str
    passed: bool


@attrs.frozen
class Installation:
    """Hold what the engine runs on."""

    versions: Mapping[str, str]
    """Python and libraries, those included that are optional and absent."""
    plugins: Mapping[str, str]
    """Distributions with plugins → versions."""
    broken_plugins: tuple[str, ...]
    files: tuple[FilesChecked, ...]
    machine: Mapping[str, str]
    arithmetic: tuple[MachineCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether files, plugins and arithmetic are as they should be."""
        files, arithmetic = all(one.passed for one in self.files), all(one.passed for one in self.arithmetic)
        return files and arithmetic and not self.broken_plugins


def qualify_installation(registry: Any) -> Installation:  # noqa: ANN401 - a Registry, which need not be imported here
    """Look at the installation of the engine and of every plugin in a registry."""
    distributions = dict.fromkeys(
        plugin.distribution for plugin in registry.plugins if plugin.distribution not in {"(none)", "(unknown)"}
    )
    checked = tuple(check_files(name) for name in distributions)
    return Installation(
        versions={"Python": platform.python_version(), **_versions(LIBRARIES)},
        plugins={one.distribution: one.version for one in checked},
        broken_plugins=tuple(f"{plugin}: {plugin.problem}" for plugin in registry.broken),
        files=checked,
        machine=machine(),
        arithmetic=tuple(arithmetic()),
    )


def _versions(names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ABSENT
    return found


def check_files(name: str) -> FilesChecked:
    """Compare the files of a distribution with the hashes that its wheel's record holds.

    The record shows damage and careless changes; who rewrites it with the files is found by the methods' results.
    """
    try:
        of = distribution(name)
    except PackageNotFoundError:
        return FilesChecked(name, "", reason="the distribution is not installed")
    if _editable(of):
        return FilesChecked(name, of.version, reason="an editable installation has no record of its files")
    recorded = [path for path in of.files or () if path.hash is not None]
    if not recorded:
        return FilesChecked(name, of.version, reason="it was installed without a record of its files")
    altered, missing = list[str](), list[str]()
    for path in recorded:
        assert path.hash is not None  # noqa: S101 - chosen so
        place = Path(str(path.locate()))
        if not place.is_file():
            missing.append(str(path))
        elif _hash_of(place, path.hash.mode) != path.hash.value:
            altered.append(str(path))
    return FilesChecked(
        name, of.version, len(recorded), tuple(altered), tuple(missing), tuple(_unrecorded(of, recorded))
    )


def _hash_of(place: Path, mode: str) -> str:
    return urlsafe_b64encode(new_hash(mode, place.read_bytes()).digest()).rstrip(b"=").decode()


def _editable(of: Distribution) -> bool:
    text = of.read_text("direct_url.json")
    if text is None:
        return False
    said: Any = read_json(text, "direct_url.json")
    return bool(said.get("dir_info", {}).get("editable"))


def _unrecorded(of: Distribution, recorded: Iterable[Any]) -> Iterable[str]:
    known = {str(path) for path in recorded}
    packages = {path.parts[0] for path in recorded if path.suffix == ".py" and len(path.parts) > 1}
    for package in sorted(packages):
        root = Path(str(of.locate_file(package)))
        for place in sorted(root.rglob("*.py")):
            name = (Path(package) / place.relative_to(root)).as_posix()
            if name not in known:
                yield name


def machine() -> dict[str, str]:
    """Describe system, processor and linear algebra."""
    import numpy as np  # noqa: PLC0415 - its configuration only when it is asked for

    shown = cast("dict[str, Any]", np.show_config(mode="dicts") or {})
    blas: dict[str, Any] = shown.get("Build Dependencies", {}).get("blas", {})
    simd: dict[str, list[str]] = shown.get("SIMD Extensions", {})
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "architecture": platform.machine(),
        "byte order": sys.byteorder,
        "BLAS": " ".join(str(blas.get(key, "")) for key in ("name", "version")).strip() or "unknown",
        "vector instructions": ", ".join([*simd.get("baseline", []), *simd.get("found", [])]) or "unknown",
        "long double": f"{np.finfo(np.longdouble).nmant} bits of fraction (not used by the engine)",
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def arithmetic() -> Iterable[MachineCheck]:
    """Try what the engine takes for granted of doubles and of the functions behind quantiles and likelihoods.

    Source: IEEE 754-2019; exact values of the functions by mpmath (``evisynth_validation/machine``).
    """
    import numpy as np  # noqa: PLC0415 - as above

    one = np.float64(1.0)

    def held(name: str, expected: object, found: object) -> MachineCheck:
        return MachineCheck(name, str(expected), str(found), bool(expected == found))

    yield held("bits of fraction in a double", 53, sys.float_info.mant_dig)
    yield held("rounding of 1 + 2⁻⁵³, to even", "1.0", repr(float(one + np.float64(2.0**-53))))
    yield held("rounding of 1 + 2⁻⁵² + 2⁻⁵³, to even", (1.0 + 2.0**-51).hex(), float(one + 2.0**-52 + 2.0**-53).hex())
    yield held("one rounding: 10¹⁶ + 2.9999", "10000000000000002", f"{np.float64(1e16) + np.float64(2.9999):.0f}")
    yield held("the smallest double is kept", 5e-324, float(np.float64(5e-324) * one))
    yield held("half of the smallest normal double is kept", 2.0**-1023, float(np.float64(2.0**-1022) * 0.5))
    yield held("1/3 correctly rounded", "0x1.5555555555555p-2", float(one / np.float64(3.0)).hex())
    yield held("√2 correctly rounded", "0x1.6a09e667f3bcdp+0", float(np.sqrt(np.float64(2.0))).hex())
    yield from _functions()


def _functions() -> Iterable[MachineCheck]:
    import numpy as np  # noqa: PLC0415 - as above
    from scipy import special  # noqa: PLC0415 - as above

    text = files("evisynth_validation").joinpath("machine", "functions.json").read_text(encoding="utf-8")
    rows: Any = read_json(text, "functions.json")["rows"]
    worst: dict[str, tuple[float, str]] = {}
    for row in rows:
        function = getattr(np if row["from"] == "numpy" else special, row["function"])
        exact, found = float(row["value"]), float(function(*row["arguments"]))
        error = abs(found - exact) / (abs(exact) * row["condition"])
        worst[row["function"]] = max(
            worst.get(row["function"], (0.0, "")), (error, f"at {', '.join(map(repr, row['arguments']))}")
        )
    for name, (error, where) in worst.items():
        yield MachineCheck(f"function {name}", "relative error below 1e-13", f"{error:.1e} {where}", error < 1e-13)  # noqa: PLR2004 - as shown
