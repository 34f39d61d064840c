from conformance.plugin import BackendConformance

from demo_app.conformance import Subject


class TestCelery(BackendConformance):
    subject = Subject("celery")
