from demo_app.verification.conformance.plugin import BackendConformance
from demo_app.verification.conformance.targets import SHIPPED


class TestRq(BackendConformance):
    subject = SHIPPED["rq"]
