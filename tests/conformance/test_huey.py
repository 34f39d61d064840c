from conformance.plugin import BackendConformance

from demo_app.conformance import Subject


class TestHuey(BackendConformance):
    subject = Subject("huey")
