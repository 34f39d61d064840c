from verification.conformance.plugin import BackendConformance

from demo_app.verification.conformance.targets import shipped


class TestHuey(BackendConformance):
    subject = shipped("huey")
