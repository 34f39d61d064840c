"""The API of the faults, and of what they and the limits turned away."""

from typing import Annotated

from fastapi import APIRouter, Body

from local_smtp.fault_rules import FaultInForce, FaultToPut
from local_smtp.faults import Faults
from local_smtp.incidents import Incidents
from local_smtp.web.events import Events
from local_smtp.web.models import IncidentModel, incident_model

_RULES = 100


def router(faults: Faults, incidents: Incidents, events: Events) -> APIRouter:
    """Return the routes under /api/faults and /api/incidents."""
    routes = APIRouter()

    @routes.get("/api/faults")
    def in_force() -> list[FaultInForce]:
        """List the rules in force, with their hits."""
        return faults.in_force()

    @routes.put("/api/faults")
    def put(rules: Annotated[list[FaultToPut], Body(max_length=_RULES)]) -> list[FaultInForce]:
        """Put these rules in force instead of all others. Of those that match, the first wins."""
        in_force = faults.put(rules)
        events.publish("faults")
        return in_force

    @routes.delete("/api/faults")
    def clear() -> list[FaultInForce]:
        """Take all rules out of force."""
        faults.clear()
        events.publish("faults")
        return []

    @routes.get("/api/incidents")
    def latest() -> list[IncidentModel]:
        """List the latest refusals and faults played, newest first, with their dialogue."""
        return [incident_model(incident) for incident in incidents.newest_first()]

    return routes
