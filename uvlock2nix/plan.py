"""The Plan: everything that generate will write, as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from uvlock2nix.build_pins import BuildPins
from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.collision_pins import FoundCollisions
from uvlock2nix.config import Config
from uvlock2nix.deps_files import deps_files
from uvlock2nix.digest import hold_back
from uvlock2nix.errors import UsageError
from uvlock2nix.exposed import declared_programs, exposed_of, main_program, managed_by
from uvlock2nix.fetches import Fetches, fetch_of, sorted_fetches
from uvlock2nix.key import deps_key, is_built, is_member, members_of, natives_of, no_binary, unlocked
from uvlock2nix.knowledge.native import NativeInputs
from uvlock2nix.knowledge.templates import Output
from uvlock2nix.local_builds import local_builds, package_builds
from uvlock2nix.lock import About, GitSource, Member, Project, Selection
from uvlock2nix.lock.logins import login_hosts, login_variables
from uvlock2nix.lock.places import folder_of
from uvlock2nix.modes import LinkMode, Mode, link_mode_of, patches_of
from uvlock2nix.native import Native, with_patches
from uvlock2nix.package_source import PackageSource, package_source
from uvlock2nix.project_version import ProjectVersion, project_version, store_name
from uvlock2nix.python_range import patch_ranges
from uvlock2nix.run_inputs import libraries_of_wheel, opened_by_name
from uvlock2nix.target import Target
from uvlock2nix.wheel_pins import ReadWheels


class Input(NamedTuple):
    """A nixpkgs attribute with the packages that need it, and the systems on which they do."""

    attr: str
    packages: tuple[str, ...]
    systems: tuple[str, ...]


class SystemPlan(NamedTuple):
    """What differs between systems: digest, classes, and ``patches``: the first patch release of Python that
    it is valid for, and the first that it is not.
    """

    target: Target
    key: str
    classes: tuple[ClassifiedPackage, ...]
    patches: tuple[int | None, int | None] = (None, None)

    @property
    def system(self) -> str:
        """The system, such as ``x86_64-linux``."""
        return self.target.system


class Plan(NamedTuple):
    """``name`` is the project's; ``files`` are the files that deps reads, relative to the project's root.

    ``exposed`` are the packages whose programs users get; ``natives`` those with native inputs; ``dlopen``
    those that open libraries by name; ``no_binary`` those built even if a wheel fits; ``patches`` those that
    are patched (paths relative to the project's root). ``build_pins`` are the locked build requirements;
    ``exclude_newer`` is the time that holds back the others. ``argument`` is the command argument for the
    project, ``environment`` the name of the plan's environment; ``script`` is a script with the files that it
    needs; ``script_programs`` run scripts of packages in deps. ``standalone``: our own files are next to the
    generated ones. ``crates`` are Cargo.lock files: path, text.
    """

    name: str
    argument: str
    environment: str
    script: tuple[PurePosixPath, ...]
    source: PackageSource
    login_variables: tuple[str, ...]
    login_hosts: tuple[tuple[str, str], ...]
    version: ProjectVersion
    main_program: str | None
    about: About
    exposed: tuple[str, ...]
    python: str
    selection: Selection
    systems: tuple[SystemPlan, ...]
    files: tuple[PurePosixPath, ...]
    members: tuple[Member, ...]
    build_inputs: tuple[Input, ...]
    native_build_inputs: tuple[Input, ...]
    runtime_inputs: tuple[Input, ...]
    wheel_libraries: tuple[Input, ...]
    natives: tuple[Native, ...]
    dlopen: tuple[tuple[str, tuple[str, ...]], ...]
    no_binary: tuple[str, ...]
    member_inputs: tuple[Input, ...]
    member_tools: tuple[Input, ...]
    local_builds: tuple[Native, ...]
    compiles: bool
    needs_git: bool
    lock_sha256: str
    lock_name: str
    exclude_newer: str | None
    build_pins: BuildPins
    collisions: Mapping[str, str]
    ignore_missing: tuple[str, ...]
    bytecode: bool = True
    read_wheels: ReadWheels = ()
    found_collisions: FoundCollisions = ()
    mode: Mode = "sync"
    link_mode: LinkMode | None = None
    crates: tuple[tuple[PurePosixPath, str], ...] = ()
    standalone: bool = False
    patches: tuple[tuple[str, tuple[PurePosixPath, ...]], ...] = ()
    script_programs: tuple[Input, ...] = ()
    programs: tuple[str, ...] = ()
    manage: tuple[str, ...] = ()
    check: tuple[str, ...] = ()

    @property
    def folder(self) -> PurePosixPath:
        """The folder of the generated files, relative to the project's root."""
        return folder_of(self.argument, self.environment)

    @property
    def python_attr(self) -> str:
        """``python313``; a free-threaded Python is ``python313FreeThreading``."""
        minor = self.python.removesuffix("t").replace(".", "")
        return f"python{minor}" + ("FreeThreading" if self.python.endswith("t") else "")

    @property
    def fetches(self) -> Fetches:
        """Mode `files`: the file or tree of every package in deps, by system."""
        return sorted_fetches(
            {
                one.system: [
                    fetch_of(package.package.package, package.choice.artifact)
                    for package in one.classes
                    if package.choice.artifact is not None
                    and not package.from_nixpkgs
                    and not package.package.package.is_local_tree
                ]
                for one in self.systems
            }
        )

    @property
    def excluded(self) -> tuple[ClassifiedPackage, ...]:
        """The packages that come from nixpkgs (the same on every system, else generate refuses)."""
        return tuple(one for one in self.systems[0].classes if one.from_nixpkgs)


def make_plan(
    project: Project,
    selection: Selection,
    config: Config,
    classified: Sequence[tuple[Target, Sequence[ClassifiedPackage]]],
    *,
    exclude_newer: str | None = None,
    build_pins: BuildPins | None = None,
    mode: Mode = "sync",
    crates: Mapping[str, PurePosixPath] | None = None,
) -> Plan:
    """Turn classes into a Plan. ``crates``: package → its Cargo.lock, if built with cargo (mode `files`).

    Raises:
        ProjectError: the project cannot be expressed as Nix files inside its own folder.
        UsageError: the targets' Pythons differ.
    """
    from uvlock2nix.scripts import script_files

    minors = {target.python.minor for target, _ in classified}
    if len(minors) != 1:
        raise UsageError("all systems must use the same Python version", hint="pass a single --python")
    every = [one for _, classes in classified for one in classes]
    _refuse_different_nixpkgs(classified)
    built = [one for one in every if is_built(one)]
    members = members_of(project, every)
    builds = local_builds(project, members, classified)
    held_back = exclude_newer or hold_back(one.package.package for one in every)
    build_pins = build_pins or BuildPins()
    names = [frozenset(one.name for one in classes) for _, classes in classified]
    patches = patches_of(project, config, mode, names, [one.name for one in built])
    keys = [deps_key(project, selection, config, *one, held_back, build_pins) for one in classified]
    installed = [
        (target, frozenset((one.name, one.package.package.version) for one in classes))
        for target, classes in classified
    ]
    ranges = patch_ranges(project, selection, installed)
    systems = tuple(
        SystemPlan(target, key, tuple(classes), admitted)
        for (target, classes), key, admitted in zip(classified, keys, ranges, strict=True)
    )
    inputs = [(target.system, one) for target, classes in classified for one in classes if is_built(one)]
    wheels = [(target.system, one) for target, classes in classified for one in classes if not is_built(one)]
    running = [(system, one) for system, one in (*inputs, *wheels) if not one.from_nixpkgs]
    name = _name(project, selection)
    exposed = exposed_of(project, selection, members, config.strings_of("expose"), names)
    source = package_source(project.root, config)
    return Plan(
        name=name if not project.environment or selection.packages else f"{name}-{project.environment}",
        argument=project.argument,
        environment=project.environment,
        login_variables=login_variables(project),
        login_hosts=login_hosts(project),
        source=source,
        script=script_files(project, source.include) if project.script else (),
        version=project_version(project, name, members, builds, config.string("version")),
        main_program=config.string("main-program") or main_program(project, members, exposed, name),
        about=next((one.pyproject.about for one in project.members if one.name == name), About()),
        exposed=exposed,
        python=minors.pop(),
        selection=selection,
        systems=systems,
        files=deps_files(project, every, members, build_pins, patches if mode == "sync" else ()),
        members=members,
        build_inputs=_inputs([(s, one, a) for s, one in inputs for a in _linked(one.native)]),
        native_build_inputs=_inputs(
            [(s, one, a) for s, one in inputs for a in one.native.build.native_build_inputs]
        ),
        runtime_inputs=_inputs([(s, one, a) for s, one in running for a in one.native.run.dlopen]),
        wheel_libraries=_inputs([(s, one, a) for s, one in running for a in libraries_of_wheel(one)]),
        natives=package_builds(project, classified, crates or {})
        if mode == "files"
        else with_patches(_natives_by_system(inputs), patches, [(s, one.name) for s, one in inputs]),
        dlopen=opened_by_name(every),
        no_binary=no_binary(project, classified),
        member_inputs=_inputs(
            [(s, one, a) for s, one in wheels if is_member(one) for a in _linked(one.native)]
        ),
        member_tools=_inputs(
            [(s, one, a) for s, one in wheels if is_member(one) for a in one.native.build.native_build_inputs]
        ),
        local_builds=builds,
        compiles=any(one.native.compiles or one.known != "pure" for one in built),
        needs_git=any(isinstance(one.package.package.source, GitSource) for one in built),
        lock_sha256=project.lock_sha256,
        lock_name=project.lock_path.name,
        exclude_newer=held_back if any(unlocked(project, *one, build_pins) for one in classified) else None,
        build_pins=build_pins,
        collisions=config.collisions,
        ignore_missing=config.ignore_missing_libraries,
        bytecode=not config.flag("no-bytecode"),
        mode=mode,
        link_mode=link_mode_of(config),
        patches=patches,
        programs=declared_programs(project, members, exposed),
        manage=managed_by(config),
        check=config.check,
    )


def _refuse_different_nixpkgs(classified: Sequence[tuple[Target, Sequence[ClassifiedPackage]]]) -> None:
    """A single file serves all systems: the packages from nixpkgs must be the same on each."""
    taken = [
        {
            (one.name, one.nixpkgs.attr, one.nixpkgs.version)
            for one in classes
            if one.from_nixpkgs and one.nixpkgs
        }
        for _, classes in classified
    ]
    different = sorted({name for name, _, _ in set().union(*taken) - set(taken[0]).intersection(*taken)})
    if different:
        raise UsageError(
            f"{', '.join(different)}: taken from nixpkgs on only some of the systems",
            hint="name them under `deny` (or all under `allow`) in [tool.uvlock2nix.nixpkgs]",
        )


def _natives_by_system(built: Sequence[tuple[str, ClassifiedPackage]]) -> tuple[Native, ...]:
    """As :func:`natives_of`, for all systems: equal inputs of a package are one entry."""
    found: list[tuple[str, NativeInputs, list[str]]] = []
    for system, one in built:
        for name, native in natives_of([one]):
            same = next((systems for n, known, systems in found if (n, known) == (name, native)), None)
            if same is None:
                found.append((name, native, [system]))
            elif system not in same:
                same.append(system)
    return tuple(
        Native(name, native, tuple(systems)) for name, native, systems in sorted(found, key=_by_name)
    )


def _by_name(entry: tuple[str, NativeInputs, list[str]]) -> str:
    return entry[0]


def _linked(native: NativeInputs) -> tuple[str, ...]:
    """The libraries that a build gets, including those named only in an environment variable."""
    named = (part.attr for _, template in native.build.env for part in template if isinstance(part, Output))
    listed = native.build.attributes
    known = {attr.removesuffix(".dev") for attr in listed}
    return (*native.build.build_inputs, *dict.fromkeys(attr for attr in named if attr not in known))


def _inputs(needs: Sequence[tuple[str, ClassifiedPackage, str]]) -> tuple[Input, ...]:
    packages: dict[str, dict[str, None]] = {}
    systems: dict[str, dict[str, None]] = {}
    for system, one, attr in needs:
        # `libxml2.dev` and `libxml2` are one input: stdenv picks the right output.
        attr = attr.removesuffix(".dev")
        packages.setdefault(attr, {})[one.name] = None
        systems.setdefault(attr, {})[system] = None
    return tuple(
        Input(attr, tuple(sorted(packages[attr])), tuple(systems[attr])) for attr in sorted(packages)
    )


def _name(project: Project, selection: Selection) -> str:
    name = selection.packages[0] if len(selection.packages) == 1 else project.current
    name = name or (project.script.stem if project.script else project.root.name)
    return store_name(name) or "project"
