"""The values of /metrics, parsed as Prometheus does."""

from prometheus_client.parser import text_string_to_metric_families


def parse_metrics(exposition: str) -> dict[tuple[str, ...], float]:
    """Return each value by its name without prefix, and its label values in the order of the label names."""
    families = text_string_to_metric_families(exposition)
    return {
        (sample.name.removeprefix("imageferry_"), *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }
