"""Prometheus metrics of a service on a port of their own: a registry goes in, a server that answers with it runs."""

from prometheus_client import CollectorRegistry, start_http_server


def serve_metrics(
    registry: CollectorRegistry, address: tuple[str, int], variable: str, refusal: type[Exception]
) -> None:
    """Answer with a registry on an address (host, port) from now on.

    Args:
        registry: what is answered.
        address: where.
        variable: setting of the port, for the sentence where it is taken.
        refusal: error of the service that carries that sentence.

    Raises:
        refusal: the port is taken.
    """
    host, port = address
    try:
        start_http_server(port, host, registry=registry)
    except OSError as error:
        raise refusal(
            f"Metrics cannot be served on {host}:{port} ({error.strerror}): "
            f"set {variable} to a free port, or to 0 for none."
        ) from error
