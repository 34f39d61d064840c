from demo_app.jobs.conformance.plugin import BackendConformance
from demo_app.jobs.conformance.shipped import SHIPPED


class TestRq(BackendConformance):
    subject = SHIPPED["rq"]
