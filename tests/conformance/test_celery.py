from conformance.plugin import BackendConformance

from demo_app.conformance.targets import shipped


class TestCelery(BackendConformance):
    subject = shipped("celery")
