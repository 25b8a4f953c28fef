"""A node is born again while another ingest holds the session, and while its births wait in a session of before."""

import pytest

from ingest.sparkplug.sparkplug_b_pb2 import Metric
from tests.integration.ingest.test_sparkplug import MESSAGES, TEMPERATURE, Plant, now_ms, plant
from tests.support.broker import Broker
from tests.support.required import missing
from tests.support.waiting import wait_until

__all__ = ["plant"]
pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker]

PRESSURE = Metric(name="pressure_bar", alias=1, datatype=10, double_value=1.0)

CONNECTED = "SELECT count(*) FROM ingest_worker WHERE role = 'worker' AND slots = 2 AND state = 'connected'"
LEFT_OVER = "SELECT count(*) FROM ingest_worker WHERE role = 'supervisor' AND subscriptions <> '{}'"


def test_who_takes_over_reads_nodes_by_their_last_birth(plant: Plant, broker: Broker) -> None:
    if not broker.keeps_sessions:
        missing("mosquitto", "rumqttd gives what waits in a session to others, and an old one is never emptied (0014)")
    plant.site()
    first = plant.ingest()
    plant.born(1, TEMPERATURE)
    plant.wait_received(2)
    second = plant.standby()
    wait_until(lambda: "session_in_use" in second.log(), what="the second to wait for its turn")
    plant.born(2, PRESSURE)
    plant.wait_received(4)
    said = len(plant.states())
    assert first.terminate() == 0
    wait_until(lambda: len(plant.states()) >= said + 2, what="the second to be there")
    plant.say("DDATA/gw/press", 2, Metric(alias=1, double_value=2.0))
    plant.wait_received(5)
    assert [value for value, _ in plant.readings("pressure_bar")] == ["1", "2"]

    assert second.terminate() == 0
    plant.born(3, TEMPERATURE)  # waits in the session of one worker
    later = now_ms() + 5  # two values of one millisecond would contradict each other
    plant.say("DDATA/gw/press", 2, Metric(alias=1, double_value=21.0), at=later)  # its number is the last stored
    plant.ingest(HAIDANG_INGEST_WORKERS="2")
    wait_until(lambda: plant.rows(CONNECTED) == [(2,)], what="both workers to read")
    plant.say("DDATA/gw/press", 3, Metric(alias=1, double_value=22.0))
    wait_until(lambda: len(plant.readings("temperature_c")) >= 4, what="the value after the birth")
    wait_until(lambda: plant.rows(LEFT_OVER) == [(0,)], what="the session of before to be emptied")
    assert [value for value, _ in plant.readings("temperature_c")] == ["20.5", "20.5", "21", "22"]
    assert [value for value, _ in plant.readings("pressure_bar")] == ["1", "2"]
    assert plant.rows(MESSAGES)[0][1:] == (0, 0, 0, 0)
    assert plant.commands() == []
