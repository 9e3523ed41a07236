"""What is set in vain is told: a misspelt name, another system's name, the keys of a cloud without a bucket."""

from pathlib import Path

import pytest

from imageferry.settings import Settings
from imageferry.settings.doubts import doubts
from tests.unit.settings.conftest import Give, Load


@pytest.mark.parametrize(
    ("name", "doubt"),
    [
        ("IMAGEFERRY_CONCURENCY", "IMAGEFERRY_CONCURENCY is not a setting. Did you mean IMAGEFERRY_CONCURRENCY?"),
        ("IMAGEFERRY_TOKEN", "IMAGEFERRY_TOKEN is not a setting. Did you mean IMAGEFERRY_API_TOKEN?"),
        (
            "IMAGEFERRY_API_TOKENFILE",
            "IMAGEFERRY_API_TOKENFILE is not a setting. Did you mean IMAGEFERRY_API_TOKEN_FILE?",
        ),
        ("IMAGEFERRY_42", "IMAGEFERRY_42 is not a setting."),
        ("RABBITMQ_URL", "RABBITMQ_URL is not read. Set CELERY_BROKER_URL if imageferry is to use it."),
        ("POSTGRES_HOST", "POSTGRES_HOST is not read. Set DATABASE_URL if imageferry is to use it."),
    ],
)
def test_a_name_that_is_not_read_leads_to_the_one_that_is(give: Give, name: str, doubt: str) -> None:
    give(name, "hidden")
    assert doubts(Settings.load()) == [doubt]


def test_a_misspelt_name_in_the_env_file_is_told_and_one_of_this_machine_is_not(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GOOGLE_API_KEYS=1\nCOMPOSE_PROFILES=full\nPORTS=1\n")
    assert doubts(load(AWS_ENDPOINT_URL_SQS="http://elsewhere")) == [
        "GOOGLE_API_KEYS is not a setting. Did you mean GOOGLE_API_KEY?"
    ]


@pytest.mark.parametrize(
    "environment",
    [
        {"RABBITMQ_URL": "amqp://queue//", "CELERY_BROKER_URL": "amqp://queue//"},
        {"POSTGRES_HOST": "db", "DATABASE_URI": "postgresql://db/pictures"},
        {"IMAGEFERRY_SERVICE_HOST": "10.0.0.1", "IMAGEFERRY_SERVICE_PORT_HTTP": "80"},
        {"IMAGEFERRY_PORT": "tcp://10.0.0.1:80", "IMAGEFERRY_PORT_80_TCP_ADDR": "10.0.0.1"},
        {"AWS_ACCESS_KEY_ID": "key", "AWS_S3_BUCKET": "pictures"},
        {"AWS_ACCESS_KEY_ID": "key", "STORE_URL": "/data/store"},
        {"AWS_ACCESS_KEY_ID": "key", "IMAGEFERRY_SERVER": "http://gateway"},
        {"AWS_PROFILE": "default", "GOOGLE_API_KEY": "key"},
    ],
)
def test_there_is_no_doubt_about_what_has_an_effect_or_another_purpose(load: Load, environment: dict[str, str]) -> None:
    assert doubts(load(**environment)) == []


@pytest.mark.parametrize(
    ("name", "value", "url"),
    [
        ("AWS_ACCESS_KEY_ID", "key", "s3://bucket"),
        ("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true", "az://container"),
        ("GOOGLE_SERVICE_ACCOUNT", "/run/secrets/key.json", "gs://bucket"),
    ],
)
def test_keys_of_a_cloud_without_a_bucket_are_told(give: Give, name: str, value: str, url: str) -> None:
    give(name, value)
    settings = Settings.load()
    (doubt,) = doubts(settings)
    assert doubt.startswith(f"{name} is set, but no bucket: images are stored in the folder {settings.home}/store.")
    assert url in doubt
