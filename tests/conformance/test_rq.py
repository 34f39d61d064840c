from conformance.plugin import BackendConformance

from demo_app.conformance import Subject


class TestRq(BackendConformance):
    subject = Subject("rq")
