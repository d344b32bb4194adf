from click.testing import CliRunner
from hello import main


def test_it_greets() -> None:
    assert CliRunner().invoke(main, ["Nix"]).output == "Hello Nix!\n"
