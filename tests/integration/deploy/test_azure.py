"""The Bicep templates parse, checkov agrees, and their commands, settings and scaling queries are imageferry's."""

import json
import re

import pytest
from sqlalchemy import create_engine, text

from imageferry.catalog.database.tables import metadata
from imageferry.model import JobState, LedgerState
from tests.integration.deploy.tools import needs_tools, run
from tests.repository import ROOT
from tests.unit.test_deployment import assert_valid_command, settings

FOLDER = ROOT / "deploy" / "azure"
TEMPLATES = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.bicep"))}
# What checkov would also have: copies of the images in a second region, which is the operator's choice and costs twice;
# it takes the expression of the account's name for the name.
SKIPPED_CHECKS = "CKV_AZURE_206,CKV_AZURE_43"
PARSE = """
import json, sys
from pycep import BicepParser
print(json.dumps({name: BicepParser().parse(text=text) for name, text in json.load(sys.stdin).items()}, default=str))
"""

pytestmark = [pytest.mark.integration, needs_tools]


def blocks(name: str, template: str = TEMPLATES["apps"], *, brackets: str = "[]") -> list[str]:
    """Return the contents of the arrays or objects of that name."""
    opening, closing = map(re.escape, brackets)
    found = re.finditer(rf"^( *){name}: .*?{opening}\n(?P<content>.*?)^\1{closing}", template, re.MULTILINE | re.DOTALL)
    return [each["content"] for each in found]


def test_the_templates_parse_and_create_what_the_page_names() -> None:
    parsed = run("python", "-c", PARSE, text=json.dumps(TEMPLATES))
    assert parsed.returncode == 0, parsed.stderr
    templates = json.loads(parsed.stdout)
    kinds = re.findall(r"^resource \w+ '([\w./]+)@[\d-]+' = ", "\n".join(TEMPLATES.values()), re.MULTILINE)
    assert set(kinds) >= {
        *("Microsoft.App/managedEnvironments", "Microsoft.App/containerApps", "Microsoft.App/jobs"),
        *("Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.Cache/redisEnterprise"),
        *("Microsoft.Storage/storageAccounts", "Microsoft.ManagedIdentity/userAssignedIdentities"),
    }
    for template in templates.values():
        for name, parameter in template["parameters"].items():
            assert parameter["decorators"][0]["type"] == "description", name


def test_checkov_finds_nothing_that_we_have_not_decided() -> None:
    arguments = ("--framework", "bicep", "--compact", "--quiet", "--skip-download", "--skip-check", SKIPPED_CHECKS)
    checked = run("checkov", "-d", str(FOLDER), *arguments)
    assert checked.returncode == 0, checked.stdout
    assert "error" not in checked.stderr.lower()


def test_each_module_gets_the_parameters_that_it_requires() -> None:
    modules = re.findall(r"^module \w+ '([\w-]+)\.bicep' = \{(.*?)^\}", TEMPLATES["main"], re.MULTILINE | re.DOTALL)
    assert {path for path, _ in modules} == {"apps", "private-link"}
    for path, params in modules:
        required = set(re.findall(r"^param (\w+) \w+$", TEMPLATES[path], re.MULTILINE))
        assert set(re.findall(r"^    (\w+): ", params, re.MULTILINE)) == required


def test_every_command_is_valid() -> None:
    roles = re.findall(r"role: '(\w+)'", TEMPLATES["apps"])
    assert roles == ["crawl", "transfer", "record"]
    commands = [arguments.replace("worker.role", f"'{role}'") for role in roles for arguments in blocks("args")]
    for words in {tuple(re.findall(r"'([^']+)'", command)) for command in commands}:
        assert_valid_command(list(words))


def test_every_variable_is_a_setting_and_every_secret_exists() -> None:
    (common,) = blocks("settings", TEMPLATES["main"], brackets="{}")
    names = re.findall(r"^ +([A-Z_]+): ", common, re.MULTILINE) + re.findall(r"name: '([A-Z_]+)'", TEMPLATES["apps"])
    assert len(names) >= 11
    assert set(names) <= settings()
    referred = set(re.findall(r"secretRef: '([\w-]+)'", TEMPLATES["apps"]))
    assert referred == {"api-token", "google-api-key", "database-url", "broker-url"}
    assert referred <= set(re.findall(r"name: '([\w-]+)'", TEMPLATES["apps"]))


def test_transfer_workers_and_the_environment_get_no_password_of_the_database() -> None:
    environments = dict(re.findall(r"role: '(\w+)'\n    env: \[(.*?)\]", TEMPLATES["apps"], re.DOTALL))
    assert {role: "catalog" in variables for role, variables in environments.items()} == {
        "crawl": True,
        "transfer": False,
        "record": True,
    }
    for template in TEMPLATES.values():
        for name in re.findall(r"^param (\w*(?:[Pp]assword|[Tt]oken|databaseUrl|brokerUrl)) ", template, re.MULTILINE):
            assert re.search(rf"@secure\(\)\n(@.*\n)*param {name} string$", template, re.MULTILINE)
        assert not re.search(r"^output \w+ .*(listKeys|[Pp]assword|databaseUrl|brokerUrl)", template, re.MULTILINE)


def test_the_scaling_queries_count_work_in_the_catalog() -> None:
    found = re.findall(r"query: '(SELECT .*)'$", TEMPLATES["apps"], re.MULTILINE)
    queries = [query.replace("\\'", "'") for query in found]
    assert len(queries) == 3
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        assert [connection.execute(text(query)).scalar_one() for query in queries] == [0, 0, 0]
    states = {state for query in queries for state in re.findall(r"'(\w+)'", query)}
    assert states == {
        *(JobState.ACCEPTED, JobState.RUNNING, JobState.WAITING),
        *(LedgerState.READY, LedgerState.IN_FLIGHT),
    }
