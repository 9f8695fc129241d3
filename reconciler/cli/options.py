"""The options that commands share, in bundles: one field per option (see verb.py).

Credentials are never options: a token would show in process lists and shell histories. An option only says where
they are found.
"""

import enum
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.exits import Misused
from reconciler.state.signature import Verify


class Format(enum.StrEnum):
    """How to print: a table or text for people, the others for machines."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    MARKDOWN = "markdown"


class Provider(enum.StrEnum):
    """A kind of git host that shows commit statuses."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


class LogFormat(enum.StrEnum):
    """How the service logs: lines for people where stderr is a terminal, JSON elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


_REPOSITORY = "The desired-state repository"
_CREDENTIALS = "Credentials of the git host"
_LEDGER = "The published ledger"
_OUTPUT = "Output"
_VERIFIED = "Verified source"
_STATUS = "Commit status"
_REVIEW = "Plans between two commits"


RepoOption = Annotated[
    str | None,
    typer.Option(envvar="RECONCILER_REPO", rich_help_panel=_REPOSITORY, help="URL or path of the git repository."),
]
PathOption = Annotated[
    str,
    typer.Option(
        envvar="RECONCILER_PATH", rich_help_panel=_REPOSITORY, help="The folder in it that holds the documents."
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        envvar="RECONCILER_GIT_TOKEN_FILE",
        rich_help_panel=_CREDENTIALS,
        help="File that holds the https token; or set RECONCILER_GIT_TOKEN.",
    ),
]
SshKeyOption = Annotated[
    Path | None,
    typer.Option(
        envvar="RECONCILER_GIT_SSH_KEY",
        rich_help_panel=_CREDENTIALS,
        help="Private ssh key file; without it the ssh agent is asked.",
    ),
]
VerifyOption = Annotated[
    Verify,
    typer.Option(
        envvar="RECONCILER_VERIFY",
        rich_help_panel=_VERIFIED,
        help="Which commits must be signed by a trusted key: none, the head, or (strict) each since the last.",
    ),
]
SignersOption = Annotated[
    Path | None,
    typer.Option(
        envvar="RECONCILER_ALLOWED_SIGNERS",
        rich_help_panel=_VERIFIED,
        help="File of trusted SSH keys, as ssh-keygen(1) describes it under ALLOWED SIGNERS.",
    ),
]
RevokedOption = Annotated[
    Path | None,
    typer.Option(
        envvar="RECONCILER_REVOKED_KEYS",
        rich_help_panel=_VERIFIED,
        help="File of SSH keys that count no more: one per line, or a KRL.",
    ),
]
KeyringOption = Annotated[
    list[Path] | None,
    typer.Option(
        envvar="RECONCILER_GPG_KEYRING",
        rich_help_panel=_VERIFIED,
        help="File of trusted OpenPGP public keys (`gpg --export`); may be given several times.",
    ),
]


@dataclass(frozen=True, slots=True)
class RepositoryOptions:
    """Which repository, branch and folder; where to find the credentials; which commits must be signed, by whom."""

    repo: RepoOption = None
    branch: Annotated[
        str, typer.Option(envvar="RECONCILER_BRANCH", rich_help_panel=_REPOSITORY, help="The branch to follow.")
    ] = "main"
    path: PathOption = ""
    git_token_file: TokenFileOption = None
    git_ssh_key: SshKeyOption = None
    verify: VerifyOption = Verify.NONE
    verify_from: Annotated[
        str | None,
        typer.Option(
            envvar="RECONCILER_VERIFY_FROM",
            rich_help_panel=_VERIFIED,
            help="With strict: the whole id of a commit that, with all below it, needs no signature.",
        ),
    ] = None
    allowed_signers: SignersOption = None
    revoked_keys: RevokedOption = None
    gpg_keyring: KeyringOption = None

    @property
    def address(self) -> str:
        """The repository's address; the working directory where none is given. Raises Misused where that is none."""
        if self.repo:
            return self.repo
        if Path(".git").exists():
            return "."
        raise Misused("No repository: give --repo URL|PATH, set RECONCILER_REPO, or call this inside a git repository.")


@dataclass(frozen=True, slots=True)
class CommitOptions:
    """The repository for commands that write commits; `--branch` is free for the branch of the commit's own."""

    repo: RepoOption = None
    base: Annotated[
        str,
        typer.Option(
            envvar="RECONCILER_BRANCH", rich_help_panel=_REPOSITORY, help="The branch that is followed, and built on."
        ),
    ] = "main"
    path: PathOption = ""
    git_token_file: TokenFileOption = None
    git_ssh_key: SshKeyOption = None
    signing_key: Annotated[
        str | None,
        typer.Option(
            envvar="RECONCILER_GIT_SIGNING_KEY",
            rich_help_panel=_CREDENTIALS,
            help="Sign with this ssh key file, or gpg key (RECONCILER_GIT_SIGNING_FORMAT=openpgp).",
        ),
    ] = None
    verify: VerifyOption = Verify.NONE
    allowed_signers: SignersOption = None
    revoked_keys: RevokedOption = None
    gpg_keyring: KeyringOption = None

    @property
    def repository(self) -> RepositoryOptions:
        """The same, for what only reads."""
        return RepositoryOptions(
            repo=self.repo,
            branch=self.base,
            path=self.path,
            git_token_file=self.git_token_file,
            git_ssh_key=self.git_ssh_key,
            verify=self.verify,
            allowed_signers=self.allowed_signers,
            revoked_keys=self.revoked_keys,
            gpg_keyring=self.gpg_keyring,
        )


@dataclass(frozen=True, slots=True)
class DestinationOptions:
    """Where a commit goes; nowhere without any of them."""

    push: Annotated[bool, typer.Option("--push", help="Push the commit to the followed branch.")] = False
    branch: Annotated[
        str | None, typer.Option("--branch", metavar="NAME", help="Push it to a new branch, for a pull request.")
    ] = None
    print_: Annotated[bool, typer.Option("--print", help="Print it as a patch that `git am` and `git apply` take.")] = (
        False
    )

    def check(self, base: str) -> None:
        """Raises Misused for more than one of them, and for the followed branch as if it were another."""
        if sum((self.push, self.branch is not None, self.print_)) > 1:
            raise Misused("Give one of --push, --branch NAME and --print: they say where the commit goes.")
        if self.branch == base:
            raise Misused(
                f"--branch is for a new branch, and {base} is the one that is followed. Give another name, or --push "
                "to change what is served."
            )

    @staticmethod
    def said(commit: str, pushed: str | None, base: str) -> str:
        """Where the commit went, and what comes next.

        Args:
            commit: its short id.
            pushed: the branch it was pushed to, None where nothing was written.
            base: the branch that is followed.
        """
        if pushed is None:
            return (
                "Nothing was written. --push pushes this commit to the followed branch, --branch NAME to a new one for "
                "a pull request, --print prints it for `git am`."
            )
        if pushed == base:
            return (
                f"Pushed commit {commit} to branch {pushed}. The service takes it up at its next look at git; "
                "`reconciler sync` makes it look now, and `reconciler status` shows how far it is."
            )
        return f"Pushed commit {commit} to branch {pushed}. Nothing changes until it is merged into {base}."


@dataclass(frozen=True, slots=True)
class StateOptions:
    """Where this instance keeps its mirror and its record."""

    state: Annotated[
        Path | None,
        typer.Option(
            envvar="RECONCILER_STATE",
            help="State directory; default $XDG_STATE_HOME/reconciler or ~/.local/state/reconciler.",
        ),
    ] = None

    def directory(self) -> Path:
        """The state directory to use."""
        if self.state is not None:
            return self.state.expanduser()
        home = os.environ.get("XDG_STATE_HOME")
        return (Path(home) if home else Path.home() / ".local" / "state") / "reconciler"


Instance = Annotated[
    str,
    typer.Option(
        envvar="RECONCILER_INSTANCE",
        help="Name of this reconciler, where several report on one repository or publish their ledgers in it.",
    ),
]


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """Where this instance publishes its ledger."""

    ledger_refs: Annotated[
        str,
        typer.Option(
            envvar="RECONCILER_LEDGER_REFS",
            rich_help_panel=_LEDGER,
            help="Prefix of the ref: the ledger is PREFIX/INSTANCE/ledger.",
        ),
    ] = "refs/reconciler"


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How to print the answer."""

    output: Annotated[
        Format,
        typer.Option("--output", "-o", rich_help_panel=_OUTPUT, help="How to print; markdown: `plan`, `history`."),
    ] = Format.TABLE


@dataclass(frozen=True, slots=True)
class ReferenceOptions:
    """Two commits instead of the live servers."""

    from_: Annotated[
        str | None,
        typer.Option("--from", help="Take the servers as converged at this commit instead of asking them."),
    ] = None
    to: Annotated[str | None, typer.Option("--to", help="The commit to go to; default the branch's head.")] = None


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """How a plan between two commits is made, for pull requests."""

    merge: Annotated[
        bool,
        typer.Option(
            "--merge", rich_help_panel=_REVIEW, help="Plan what merging --to into --from would give, computed here."
        ),
    ] = False
    live: Annotated[
        bool,
        typer.Option("--live", rich_help_panel=_REVIEW, help="Ask the servers how they are, also with --from."),
    ] = False
    storage: Annotated[
        bool,
        typer.Option(
            "--storage", rich_help_panel=_REVIEW, help="With --from: look at the model files, without asking servers."
        ),
    ] = False
    fleet: Annotated[
        list[str] | None,
        typer.Option("--fleet", rich_help_panel=_REVIEW, help="Plan this fleet only; can be given several times."),
    ] = None


STATUS_TOKEN = "RECONCILER_STATUS_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """Where commit statuses are shown; nowhere unless a token is given."""

    status_provider: Annotated[
        Provider | None,
        typer.Option(
            envvar="RECONCILER_STATUS_PROVIDER",
            rich_help_panel=_STATUS,
            help="Kind of git host; derived from --repo where its name tells.",
        ),
    ] = None
    status_url: Annotated[
        str | None,
        typer.Option(
            envvar="RECONCILER_STATUS_URL",
            rich_help_panel=_STATUS,
            help="The host's API, such as https://git.example.com/api/v4; derived from --repo.",
        ),
    ] = None
    status_repository: Annotated[
        str | None,
        typer.Option(
            envvar="RECONCILER_STATUS_REPOSITORY",
            rich_help_panel=_STATUS,
            help="OWNER/NAME of the repository there; derived from --repo.",
        ),
    ] = None
    status_token_file: Annotated[
        Path | None,
        typer.Option(
            envvar="RECONCILER_STATUS_TOKEN_FILE",
            rich_help_panel=_STATUS,
            help="File that holds the token for commit statuses; or set RECONCILER_STATUS_TOKEN.",
        ),
    ] = None
    status_target_url: Annotated[
        str | None,
        typer.Option(
            envvar="RECONCILER_STATUS_TARGET_URL",
            rich_help_panel=_STATUS,
            help="The page that a commit status leads to.",
        ),
    ] = None
    instance: Instance = "default"

    @property
    def given(self) -> bool:
        """Whether somebody asks for commit statuses; nothing of them is imported otherwise."""
        named = (self.status_provider, self.status_url, self.status_token_file)
        return any(each is not None for each in named) or bool(os.environ.get(STATUS_TOKEN))


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How the service logs on stderr."""

    log_format: Annotated[LogFormat, typer.Option(help="console, json, or auto.", rich_help_panel=_OUTPUT)] = (
        LogFormat.AUTO
    )
