from verification.conformance.plugin import BackendConformance

from demo_app.verification.conformance.targets import shipped


class TestCelery(BackendConformance):
    subject = shipped("celery")
