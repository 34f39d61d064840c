from conformance.plugin import BackendConformance

from demo_app.conformance.targets import shipped


class TestRq(BackendConformance):
    subject = shipped("rq")
