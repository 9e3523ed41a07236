"""What /metrics tells, read as Prometheus reads it."""

from prometheus_client.parser import text_string_to_metric_families


def readings(told: str) -> dict[tuple[str, ...], float]:
    """Every value by its name and its labels' values, in the order of the labels' names."""
    families = text_string_to_metric_families(told)
    return {
        (sample.name.removeprefix("imageferry_"), *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }
