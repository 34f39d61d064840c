from conformance.plugin import BackendConformance

from demo_app.conformance.targets import shipped


class TestHuey(BackendConformance):
    subject = shipped("huey")
